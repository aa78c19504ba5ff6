# Everything a developer does here. `make help` lists the targets; `make demo` and `make test` are the two to know.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

GO        ?= go
BIN       := $(CURDIR)/bin
TOOL      := $(GO) tool -modfile=$(CURDIR)/tools/go.mod
GOBUILD   := CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w'
CONNECTORS := accountview eaccounting
FUNCTIONS  := split_street

# How long one fuzz target runs in `make fuzz`; which benchmarks `make bench` runs, how long and how often (it takes the median).
FUZZTIME   ?= 20s
BENCH      ?= .
BENCHTIME  ?= 0.3s
BENCHCOUNT ?= 3

# Where goroutines meet: the race detector costs five times the time, so the pure rooms go without.
RACE_PKGS ?= ./host/... ./sdk/connector/... ./sdk/conformance/... ./sdk/sandbox/... ./sdk/wire/... ./plugins/...

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: build ## Build all, and see a year of orders travel between two sandboxes
	@if [ -t 0 ] && [ -t 1 ]; then exec bin/pomost demo; else exec bin/pomost demo --headless; fi

.PHONY: test
test: needs check unit race binary ## Get what the tests need, and run them all
	@echo "make test: all passed"

.PHONY: build
build: ## Build bin/pomost, the connectors and functions beside it
	@$(call build-into,$(BIN),)

# build-into DIR,TAGS: the command and, beside it, the connectors and the functions.
define build-into
mkdir -p $(1); $(GOBUILD) -tags='$(2)' -o $(1)/pomost .; \
for c in $(CONNECTORS); do $(GOBUILD) -tags='$(2)' -o "$(1)/pomost-connector-$$c" "./plugins/$$c"; done; \
for f in $(FUNCTIONS); do GOOS=wasip1 GOARCH=wasm $(GOBUILD) -buildmode=c-shared -o "$(1)/functions/$$f.wasm" "./functions/$$f"; done
endef

.PHONY: needs
needs: ## Install what the tests need (as root on Debian), or say what is missing
	@tools/needs.sh

.PHONY: check
check: ## gofmt, go vet, directions of imports, freshness of generated code (part of make test)
	@unformatted=$$(gofmt -l $$(find . -name '*.go' -not -path './.git/*' -not -path './bin/*')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed (run gofmt -w):"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) vet -tags=failpoint ./...
	$(GO) test -count=1 ./internal/archtest

.PHONY: unit
unit: ## Unit tests, without the built binaries (part of make test)
	$(GO) test -timeout=10m $$($(GO) list ./... | grep -v -e '/e2e\(/\|$$\)' -e '/internal/archtest$$')
	cd examples/csv-connector && $(GO) vet ./... && $(GO) test -timeout=5m ./...

.PHONY: race
race: ## Tests under the race detector where goroutines meet (part of make test)
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ] && command -v "$$($(GO) env CC)" >/dev/null; then \
		set -x; $(GO) test -race -timeout=12m $(RACE_PKGS); \
	else echo "LEFT OUT: the race detector needs a C compiler, and there is none"; fi

.PHONY: binary
binary: build ## Tests of the built binaries, with real kills at failpoints (part of make test)
	@if [ -d e2e ]; then \
		$(call build-into,$(BIN)/failpoint,failpoint); \
		set -x; POMOST_BIN='$(BIN)' POMOST_FAILPOINT_BIN='$(BIN)/failpoint' $(GO) test -count=1 -timeout=12m ./e2e/...; \
	fi

.PHONY: bench
bench: build ## Print speed beside the targets, and calls per order beside the least possible (docs/benchmarks.md)
	@POMOST_BIN='$(BIN)' $(GO) test -timeout=10m -run='^$$' -bench='$(BENCH)' -benchtime=$(BENCHTIME) -count=$(BENCHCOUNT) \
		$$(grep -rl --include='*_test.go' '^func Benchmark' . | xargs -n1 dirname | sort -u | grep -v /sandbox) >$(BIN)/bench.txt || { cat $(BIN)/bench.txt; exit 1; }
	@$(GO) run ./internal/bench/table <$(BIN)/bench.txt
	@if [ -f $(BIN)/bench-old.txt ]; then $(TOOL) benchstat $(BIN)/bench-old.txt $(BIN)/bench.txt; fi

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 20s) each
	@for p in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list='^Fuzz' "$$p" | grep '^Fuzz' || true); do \
			echo "$$p $$f"; $(GO) test -run='^$$' -fuzz="^$$f\$$" -fuzztime=$(FUZZTIME) "$$p"; \
		done; \
	done

.PHONY: lint
lint: ## golangci-lint and buf lint (builds both tools the first time: minutes)
	$(TOOL) golangci-lint run ./...
	cd examples/csv-connector && $(TOOL) golangci-lint run --config=$(CURDIR)/.golangci.yml ./...
	cd proto && $(TOOL) buf lint && $(TOOL) buf format --diff --exit-code

.PHONY: generate
generate: ## Generate the code of proto/
	cd proto && $(TOOL) buf generate
	$(GO) test -count=1 ./internal/archtest -run='^TestGeneratedCodeIsFresh$$' -update

.PHONY: verify
verify: check ## Fail where generated code is stale, go.mod untidy, or the protocol broken since the last release
	$(GO) mod tidy -diff
	cd tools && $(GO) mod tidy -diff
	cd examples/csv-connector && $(GO) mod tidy -diff
	@dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	(cd proto && $(TOOL) buf generate -o "$$dir"); \
	for f in $$(cd proto && find . -name '*.pb.go'); do \
		diff -u "proto/$$f" "$$dir/$$f" || { echo "proto/$$f is stale: run make generate"; exit 1; }; \
	done
	@tag=$$(git describe --tags --abbrev=0 --match='v*' 2>/dev/null || true); \
	if [ -n "$$tag" ]; then cd proto && $(TOOL) buf breaking --against "../.git#tag=$$tag,subdir=proto"; \
	else echo "nothing is released yet: no protocol to break"; fi

.PHONY: vuln
vuln: ## Look for known vulnerabilities in what we link (needs the internet)
	$(TOOL) govulncheck ./...

.PHONY: watch
watch: ## Run the tests of a package again whenever it is saved
	$(TOOL) gotestsum --watch --format=testname

.PHONY: clean
clean: ## Remove what make built
	rm -rf $(BIN)
