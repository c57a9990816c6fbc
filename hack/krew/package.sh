#!/usr/bin/env bash
# Packs the plugin for each platform into bin/krew, and fills in the manifest for krew with the hashes of just these files.
# hack/krew/package.sh VERSION URL: a version like v1.2.3, and the address under which the files will be found.
set -euo pipefail
cd "$(dirname "$0")/../.."

version=${1:-} url=${2:-} out=bin/krew
[[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] || { echo "krew: \"$version\" is no version like v1.2.3" >&2; exit 2; }
[[ $url == https://* ]] || { echo "krew: \"$url\" is no address that begins with https://; krew takes no other" >&2; exit 2; }

rm -rf "$out"
mkdir -p "$out"
sed "/^#/d; s/@VERSION@/$version/" hack/krew/strategy.yaml >"$out/strategy.yaml"
for platform in linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64; do
  os=${platform%/*} arch=${platform#*/} program=kubectl-strategy
  [[ $os != windows ]] || program=$program.exe
  archive=kubectl-strategy-$version-$os-$arch.tar.gz
  work=$(mktemp -d)
  GOOS=$os GOARCH=$arch CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags timetzdata -ldflags "-s -w -X main.version=$version" -o "$work/$program" ./cmd/kubectl-strategy
  cp LICENSE "$work/"
  # The same bytes from the same sources, wherever and whenever they are packed.
  tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$work" -cf - "$program" LICENSE | gzip -n >"$out/$archive"
  rm -rf "$work"
  cat >>"$out/strategy.yaml" <<YAML
  - selector:
      matchLabels:
        os: $os
        arch: $arch
    uri: ${url%/}/$archive
    sha256: $(sha256sum "$out/$archive" | cut -d' ' -f1)
    bin: $program
YAML
done
echo "krew: $out/strategy.yaml, and the files that it names"
