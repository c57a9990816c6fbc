SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION     ?= $(shell git describe --always --dirty 2>/dev/null || echo unknown)
OPERATOR    ?= localhost/strategy-operator:dev
DEMO        ?= localhost/strategy-demo:dev
E2E_TIMEOUT ?= 30m
INCIDENTS   ?= 100,1000

# Where generated files go; `verify` puts them elsewhere and compares.
DEEPCOPY ?= api/v1alpha1
CRDS     ?= config/crd/bases
RBAC     ?= config/rbac
API_DOCS ?= docs

BIN      := bin
TOOLS    := $(BIN)/tools
CODE     := . hack/cluster
FLUX     := hack/flux/apply
MODULES  := $(CODE) $(FLUX) hack/flux/kustomize hack/flux/source hack/tools hack/s3 hack/gcs
GO_DIRS  := $(wildcard api cmd controllers hack internal test)

# Static, and the same bytes from the same sources wherever they are built. An image made of the binary alone has no
# time zone data, so the binary brings its own.
GO_BUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false -tags timetzdata -ldflags '-s -w -X main.version=$(VERSION)'

# The local cluster: used unless KUBECONFIG names another one.
CLUSTER_DIR := $(CURDIR)/.cluster
CLUSTER     := cd hack/cluster && go run .
RULES       := $(CURDIR)/config/prometheus/operator-rules.yaml,$(CURDIR)/config/prometheus/bot-core-rules.yaml,$(CURDIR)/hack/demo/local/rules.yaml
EVIDENCE    := /var/lib/strategy-operator-cluster/evidence
E2E         := go test -tags e2e -count=1 -timeout $(E2E_TIMEOUT) -v ./test/e2e
ifndef KUBECONFIG
LOCAL       := cluster-up
e2e e2e-long demo install: export KUBECONFIG := $(CLUSTER_DIR)/kubeconfig
e2e e2e-long demo install: export PATH := $(CLUSTER_DIR)/bin:$(PATH)
endif

##@ Every day

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' Makefile

.PHONY: build
build: $(BIN)/manager $(BIN)/kubectl-strategy ## Build the manager and the kubectl plugin.

.PHONY: $(BIN)/manager $(BIN)/kubectl-strategy $(BIN)/demo # Go knows best what is up to date
$(BIN)/manager $(BIN)/kubectl-strategy:
	$(GO_BUILD) -o $@ ./cmd/$(@F)

$(BIN)/demo:
	$(GO_BUILD) -o $@ ./hack/demo

.PHONY: $(BIN)/bench $(BIN)/floor
$(BIN)/bench:
	$(GO_BUILD) -o $@ ./hack/bench

$(BIN)/floor:
	$(GO_BUILD) -o $@ ./hack/bench/floor

# Packages that need an API server, and those where goroutines are.
SERVED := ./test/api
RACED  := ./controllers/... ./cmd/... ./internal/intake ./internal/rules ./internal/signals ./internal/writeback ./test/input $(SERVED)

.PHONY: unit
unit: ## Run all tests that need no API server (seconds, when little changed).
	@go test $$(go list ./... | grep -vx "$$(go list $(SERVED))")

.PHONY: test
test: $(TOOLS)/versitygw $(TOOLS)/fake-gcs-server ## Run all tests but the end-to-end ones; what did not change is not run again.
	@assets=$$($(CLUSTER) assets --dir $(CLUSTER_DIR)); \
	for module in $(CODE); do S3_SERVER=$(CURDIR)/$(TOOLS)/versitygw GCS_SERVER=$(CURDIR)/$(TOOLS)/fake-gcs-server KUBEBUILDER_ASSETS=$$assets go -C $$module test -timeout=30m $(TEST_FLAGS) ./...; done

# Older API servers to try what is installed on, beside the newest. Those before 1.36 cannot stamp names.
OLDER ?= v1.34.3

.PHONY: test-versions
test-versions: ## Run the tests of the API server on older ones, too (minutes; the first time, 4 more to build one).
	@for version in $(OLDER); do \
		assets=$$($(CLUSTER) assets --dir $(CLUSTER_DIR)/$$version --kubernetes $$version); \
		case $$version in v1.3[0-5].*) stamps=no;; *) stamps=yes;; esac; \
		echo "Kubernetes $$version, stamps: $$stamps"; \
		API_TEST_STAMPS=$$stamps KUBEBUILDER_ASSETS=$$assets go test -count=1 -timeout=30m $(SERVED); \
	done; \
	assets=$$($(CLUSTER) assets --dir $(CLUSTER_DIR)); \
	echo "the newest Kubernetes"; \
	KUBEBUILDER_ASSETS=$$assets go test -count=1 -timeout=30m $(SERVED)

.PHONY: race
race: ## Run the race detector where goroutines are (the scenarios have none).
	@assets=$$($(CLUSTER) assets --dir $(CLUSTER_DIR)); \
	KUBEBUILDER_ASSETS=$$assets go test -race -timeout=30m $(TEST_FLAGS) -skip OnTheRealServer $(RACED); \
	go -C hack/cluster test -race $(TEST_FLAGS) ./...

.PHONY: test-rules
test-rules: ## Test the rules of Prometheus with promtool and amtool, which make cluster-up installs.
	RULES_TOOLS=required go test -count=1 ./test/prometheus

.PHONY: explore
explore: ## Run the property tests on many cases that nobody has tried yet (minutes).
	@for package in $$(grep -rl pgregory.net/rapid --include='*_test.go' internal test | xargs -n1 dirname | sort -u); do \
		go test -count=1 -timeout 1h ./$$package -rapid.seed=0 -rapid.checks=2000 || exit; done

# CRASH says where: all is every side effect in all three ways, one is every side effect in one way. CUT are the tests that look at it; make test runs the rest.
CRASH ?= all
CUT   := ^(TestCuts|TestStories|TestMadeAgain|TestTheClockIsSet.*)$$

.PHONY: crash
crash: ## Stop the operator at every side effect of every scenario on the simulated cluster (minutes).
	CRASH=$(CRASH) go test -count=1 -timeout 1h -v -run '$(CUT)' ./test/crash | grep -vE '^ *(=== |--- PASS|--- SKIP)'

.PHONY: bench
bench: $(BIN)/manager $(BIN)/floor $(BIN)/bench ## Count requests, CPU and memory beside a floor program (11 minutes; INCIDENTS=100,5000 for more).
	@assets=$$($(CLUSTER) assets --bench --dir $(CLUSTER_DIR)); \
	KUBEBUILDER_ASSETS=$$assets exec $(BIN)/bench --incidents=$(INCIDENTS)

.PHONY: bench-hostile
bench-hostile: $(BIN)/manager $(BIN)/bench ## Measure what one namespace waits while another does its worst (4 minutes).
	@assets=$$($(CLUSTER) assets --bench --dir $(CLUSTER_DIR)); \
	KUBEBUILDER_ASSETS=$$assets exec $(BIN)/bench --hostile

.PHONY: bench-alerts
bench-alerts: $(BIN)/manager $(BIN)/bench ## Send 100,000 alerts to the manager over TLS; count what is lost and written (4 minutes at most).
	@assets=$$($(CLUSTER) assets --bench --dir $(CLUSTER_DIR)); \
	KUBEBUILDER_ASSETS=$$assets exec $(BIN)/bench --alerts

.PHONY: fmt
fmt: ## Format all Go files.
	gofmt -s -w $(GO_DIRS)

.PHONY: tidy
tidy: ## Tidy the modules.
	for module in $(MODULES); do go -C $$module mod tidy; done

.PHONY: clean
clean: ## Delete what was built; the cluster's files stay.
	rm -rf $(BIN)

##@ Generated files

.PHONY: generate
generate: $(TOOLS)/controller-gen ## Generate the deep copies.
	$< object:headerFile=hack/boilerplate.go.txt paths=./api/... output:object:dir=$(DEEPCOPY)

.PHONY: manifests
manifests: $(TOOLS)/controller-gen ## Generate the CRDs and the manager's role.
	$< crd rbac:roleName=manager-role paths=./api/... paths=./controllers/... \
		output:crd:artifacts:config=$(CRDS) output:rbac:artifacts:config=$(RBAC)

.PHONY: api-docs
api-docs: $(TOOLS)/crd-ref-docs ## Generate the API reference.
	@mkdir -p $(API_DOCS)
	$< --log-level=ERROR --config=hack/tools/crd-ref-docs.yaml --source-path=api --renderer=markdown --output-path=$(API_DOCS)/api.md

.PHONY: plugin-docs
plugin-docs: ## Generate the reference of the plugin.
	@mkdir -p $(API_DOCS)
	go run ./cmd/kubectl-strategy reference >$(API_DOCS)/plugin.md

.PHONY: rules
rules: ## Make the kinds of the Prometheus operator of the plain files of rules.
	@for name in operator bot-core; do \
		{ printf '# Made of %s-rules.yaml by `make rules`; do not edit.\napiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: %s-rules\n  namespace: strategy-operator-system\nspec:\n' $$name $$name; \
		sed '/^#/d; s/^./  &/' config/prometheus/$$name-rules.yaml; } > config/prometheus/$$name-prometheusrule.yaml; done

##@ What a change must pass

.PHONY: verify
verify: verify-format vet lint lint-api verify-generated verify-tidy ## Check format, lint, generated files and modules.

.PHONY: verify-format
verify-format: ## Check the format of all Go files.
	@files=$$(gofmt -s -l $(GO_DIRS)); [[ -z $$files ]] || { echo "not formatted; run make fmt:"; echo "$$files"; exit 1; }

.PHONY: vet
vet: ## Run go vet, on the end-to-end tests too.
	for module in $(CODE) $(FLUX); do go -C $$module vet -tags e2e ./...; done

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## Lint: habits, import directions, clocks.
	for module in $(CODE) $(FLUX); do (cd $$module && $(CURDIR)/$< run ./...); done

.PHONY: lint-api
lint-api: $(TOOLS)/golangci-lint-kube-api-linter ## Lint api/ by the Kubernetes API conventions.
	$< run --config .golangci-kal.yml ./api/...

.PHONY: verify-generated
verify-generated: ## Check that generated files are up to date.
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; stale=; \
	$(MAKE) -s generate manifests api-docs plugin-docs $(foreach out,DEEPCOPY CRDS RBAC API_DOCS,$(out)=$$fresh/$($(out))) >/dev/null; \
	for file in $$({ ls $(CRDS)/* $(RBAC)/role.yaml; cd "$$fresh"; find * -type f; } 2>/dev/null | sort -u); do \
		diff -uN --label $$file --label 'generated now' $$file $$fresh/$$file >$$fresh.diff || { stale=1; echo "out of date: $$file"; head -n 30 $$fresh.diff; }; \
		rm -f $$fresh.diff; \
	done; \
	[[ -z $$stale ]] || { echo 'run: make generate manifests api-docs plugin-docs'; exit 1; }

.PHONY: verify-tidy
verify-tidy: ## Check that the modules are tidy.
	for module in $(MODULES); do go -C $$module mod tidy -diff; done

.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## Look for known vulnerabilities, in the newest Go vulnerability database (a Go module).
	@db=$$(mktemp -d); trap 'rm -rf "$$db"' EXIT; \
	cd "$$db"; found=$$(go mod download -json golang.org/x/vulndb@latest | sed -n 's/^.*"Dir": "\(.*\)".*$$/\1/p'); \
	go run golang.org/x/vulndb/cmd/indexdb@latest -vulns "$$found/data/osv" -out "$$db/db"; \
	echo "looking in $${found##*/}"; \
	code=0; for module in $(CODE); do (cd "$(CURDIR)/$$module" && $(CURDIR)/$< -db "file://$$db/db" ./...) || code=$$?; done; exit $$code

##@ On a cluster: the local one, or the one in KUBECONFIG

.PHONY: cluster-up
cluster-up: ## Start the local cluster (root; safe to run again).
	$(CLUSTER) up --dir $(CLUSTER_DIR)

.PHONY: cluster-down
cluster-down: ## End the local cluster.
	$(CLUSTER) down --dir $(CLUSTER_DIR)

.PHONY: cluster-status
cluster-status: ## Show the state of the local cluster.
	$(CLUSTER) status --dir $(CLUSTER_DIR)

.PHONY: images
images: $(LOCAL) $(BIN)/manager $(BIN)/demo ## Build the binaries of the images; load them into the local cluster.
ifdef LOCAL
	$(CLUSTER) load-image --dir $(CLUSTER_DIR) --name $(OPERATOR) --binary $(CURDIR)/$(BIN)/manager --entrypoint /manager
	$(CLUSTER) load-image --dir $(CLUSTER_DIR) --name $(DEMO) --binary $(CURDIR)/$(BIN)/demo --entrypoint /demo
endif

.PHONY: install
install: $(LOCAL) ## Apply the CRDs, policies, roles and the manager.
ifdef LOCAL
	install -d -o 65532 -g 65532 -m 750 $(EVIDENCE)
	kubectl apply --server-side --force-conflicts -f hack/demo/local/namespace.yaml -f hack/demo/local/volume.yaml -f hack/demo/local/prometheus.yaml -f hack/demo/local/monitoring.yaml
endif
	kubectl apply --server-side --force-conflicts -k config/default
ifdef LOCAL
	$(CLUSTER) load-rules --dir $(CLUSTER_DIR) --files $(RULES)
	for account in prometheus alertmanager; do \
		kubectl -n monitoring create token $$account --duration=720h | install -m 600 /dev/stdin $(CLUSTER_DIR)/config/$$account.token; done
	kubectl -n strategy-operator-system create secret tls strategy-operator-alerts-tls --cert=$(CLUSTER_DIR)/pki/alerts.crt --key=$(CLUSTER_DIR)/pki/alerts.key \
		--dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -
	kubectl -n strategy-operator-system rollout restart deployment/strategy-operator # it may run an older image
endif

.PHONY: demo
demo: images install $(BIN)/kubectl-strategy ## One PnL incident from report to restore, with real pods.
	CLUSTER_ENV='$(if $(LOCAL),export KUBECONFIG=$(CLUSTER_DIR)/kubeconfig PATH=$(CLUSTER_DIR)/bin:$$PATH)' hack/demo/demo.sh

.PHONY: e2e e2e-long
e2e: images install $(BIN)/kubectl-strategy $(TOOLS)/flux-apply ## Run the end-to-end stories, but the long ones, in parallel worlds.
	$(E2E)

e2e-long: export E2E_LONG := true
e2e-long: images install $(BIN)/kubectl-strategy $(TOOLS)/kustomize-controller $(TOOLS)/source-controller ## Run those that take long and add little to the others.
	$(E2E)

.PHONY: krew
krew: ## Pack the plugin for krew (VERSION=v1.2.3 URL=https://... where the files will be).
	hack/krew/package.sh '$(VERSION)' '$(URL)'

##@ Tools, pinned in hack/tools, hack/s3, hack/gcs and hack/flux

.PHONY: tools
tools: $(addprefix $(TOOLS)/,controller-gen golangci-lint golangci-lint-kube-api-linter crd-ref-docs govulncheck) ## Build all of them.

$(TOOLS)/%: hack/tools/go.mod
	cd hack/tools && CGO_ENABLED=0 go build -o $(CURDIR)/$@ "$$(go list tool | grep '/$*$$')"
	@touch $@

# The servers of the tests' buckets, each in a module of its own: they need much that the other tools must not choose versions of.
$(TOOLS)/versitygw: hack/s3/go.mod
	CGO_ENABLED=0 go -C hack/s3 build -o $(CURDIR)/$@ github.com/versity/versitygw/cmd/versitygw
	@touch $@

$(TOOLS)/fake-gcs-server: hack/gcs/go.mod
	CGO_ENABLED=0 go -C hack/gcs build -o $(CURDIR)/$@ github.com/fsouza/fake-gcs-server
	@touch $@

# Flux: its apply engine for the stories that are told each time (vet and lint compile it, too, so it is built as they do), its controllers for the long
# ones, each of which takes 12 to 16 minutes of processor time where none of it was built.
$(TOOLS)/flux-apply: hack/flux/apply/go.mod hack/flux/apply/main.go
	go -C hack/flux/apply build -o $(CURDIR)/$@ .

$(TOOLS)/%-controller: hack/flux/%/go.mod
	CGO_ENABLED=0 go -C hack/flux/$* build -trimpath -ldflags '-s -w' -o $(CURDIR)/$@ github.com/fluxcd/$*-controller
	@touch $@
