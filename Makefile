# Mezzo: the commands of the house. `make` alone lists them.

export CGO_ENABLED = 0
GO ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
SOURCES := go.mod go.sum $(shell find cmd internal -type f 2>/dev/null)

.PHONY: help run build generate test unit verify lint race fuzz journey sim proof bench clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z -]+:.*## / { gsub(" ", ", ", $$1); printf "  make %-10s %s\n", $$1, $$2 }' Makefile

run: build ## build, then a living shop with made-up people on this machine
	bin/mezzo demo

build: bin/mezzo ## the program, bin/mezzo

bin/mezzo: $(SOURCES)
	$(GO) build -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./cmd/mezzo

generate: ## make the generated files again (templ, esbuild)
	$(GO) generate ./...

test: ## everything CI checks; installs what it lacks when root
	@scripts/test.sh

verify lint unit race fuzz journey: ## one part of `make test` alone
	@scripts/test.sh $@

sim: ## the life of money by chance, ten times as long as in the tests (MEZZO_MACHINE=50: fifty times)
	@scripts/sim.sh

proof: ## the slow proofs: long fuzzing, a hundred kills, the whole simulation, pictures into proof/, benches (two hours)
	@mkdir -p proof
	@MEZZO_FUZZ_TIME=$${MEZZO_FUZZ_TIME:-120s} MEZZO_PROOF=1 MEZZO_SHOTS=$(CURDIR)/proof scripts/test.sh fuzz unit journey
	$(GO) test -run '^$$' -bench . -benchmem ./... | tee proof/bench.txt

bench: ## Go benchmarks of every package
	$(GO) test -run '^$$' -bench . -benchmem ./...

clean: ## remove what was built
	rm -rf bin
