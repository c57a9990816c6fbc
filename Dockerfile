# Static binaries, no shell, no root. On the local cluster `make images` does the same without Docker.
#   docker build --build-arg VERSION="$(git describe --always --dirty)" -t strategy-operator .
#   docker build --target demo -t strategy-demo .
ARG GO_IMAGE=golang:1.26.8
ARG BASE_IMAGE=scratch

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS source
ARG TARGETOS TARGETARCH
ENV GOOS=$TARGETOS GOARCH=$TARGETARCH
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM source AS build-demo
RUN make bin/demo VERSION=demo

FROM source AS build-manager
ARG VERSION=unknown
RUN make bin/manager VERSION="$VERSION"

FROM ${BASE_IMAGE} AS demo
COPY --from=build-demo /src/bin/demo /demo
USER 65532:65532
ENTRYPOINT ["/demo"]

FROM ${BASE_IMAGE} AS manager
COPY --from=build-manager /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build-manager /src/bin/manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
