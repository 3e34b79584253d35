# Every target works alone in a fresh clone. `make help` lists them.

SHELL := /bin/sh
PYTHON ?= python3
# The interpreter that has the pinned packages; it exists after `make setup`.
WITH_PACKAGES = $(PYTHON) -m stack.python
WASM_TARGET = wasm32-wasip1

.DEFAULT_GOAL := help
.PHONY: help demo demo-up demo-down test check wasm cli setup fmt lint lint-wasm native cli-test e2e test-engines trino docs deny advisories fuzz-build fuzz figures

help: ## list the targets
	@echo 'make TARGET; each one works alone in a fresh clone:'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

demo: ## the gate between a real Keycloak, Nessie and PyIceberg, told in the terminal (TRINO=1: and Trino); leaves nothing running
	@$(MAKE) --no-print-directory stage
	@TRINO=$(TRINO) $(WITH_PACKAGES) -m demo

demo-up: ## the same parts, kept running in the background to play with
	@$(MAKE) --no-print-directory stage
	@$(WITH_PACKAGES) -m demo up

demo-down: ## end what demo-up started
	@$(PYTHON) -m demo down

test: ## everything: format, lints, native tests, the wasm module, the real parts end to end, docs (under an hour)
	@$(MAKE) --no-print-directory tools
	@$(MAKE) --no-print-directory fmt lint lint-wasm native cli-test fuzz-build wasm e2e docs deny
	@echo 'make test: all passed'

check: fmt lint native ## the fast inner loop: format, lints, native tests

wasm: tools-rust ## build the filter: target/wasm32-wasip1/release/icegate.wasm
	cargo build --locked --release --target $(WASM_TARGET)

cli: tools-rust ## build the operator's tool: target/release/icegate (docs/cli.md)
	cargo build --locked --release --features cli --bin icegate

setup: tools ## fetch the real parts (Envoy, Keycloak, Nessie, ...) into the cache
	@$(PYTHON) -m stack.setup

fmt: tools-rust ## is everything formatted
	cargo fmt --check

lint: tools-rust ## clippy, natively
	cargo clippy --locked --all-targets -- -D warnings

lint-wasm: tools-rust ## clippy, for wasm32 (the host's code is compiled only there)
	cargo clippy --locked --target $(WASM_TARGET) -- -D warnings

native: tools-rust ## the native tests
	cargo test --locked

cli-test: tools-rust ## the operator's tool: clippy and tests of what only its feature compiles
	cargo clippy --locked --features cli --lib --bin icegate --test cli -- -D warnings
	cargo test --locked --features cli --bin icegate --test cli

e2e: setup wasm ## the end-to-end tests on the real parts
	$(WITH_PACKAGES) -m pytest tests/e2e

test-engines: tools wasm ## the tests with real engines: Trino, Spark, Iceberg's own test kit, ... (1 GB more to fetch)
	@$(PYTHON) -m stack.setup --for engines
	$(WITH_PACKAGES) -m pytest tests/e2e -m "trino or engines" --cells target/cells.json
	$(WITH_PACKAGES) tests/e2e/cells.py target/cells.json

trino: tools wasm ## of the tests with a real Trino, those with users' own tokens (560 MB more to fetch)
	@$(PYTHON) -m stack.setup --for trino
	$(WITH_PACKAGES) -m pytest tests/e2e/test_trino.py -m trino

docs: tools-rust ## the library's documentation, without a warning
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

deny: ## licenses, bans and sources of the dependencies, when cargo-deny is installed
	@if command -v cargo-deny >/dev/null; then cargo deny --locked --log-level error check bans licenses sources; \
	else echo 'deny: skipped; cargo install --locked cargo-deny'; fi

advisories: ## known faults of the dependencies, by cargo-deny (fetches the advisory database)
	cargo deny --locked check advisories

fuzz-build: tools-rust ## do the fuzz targets still build (with the pinned toolchain, so without its instrumentation)
	cargo build --locked --manifest-path fuzz/Cargo.toml --target-dir target/fuzz

# Each target for MINUTES, one after the other. Needs a nightly toolchain and cargo-fuzz; slow work, not part of `test`.
FUZZ_TARGETS ?= jws path body token_request token_response answer broker
MINUTES ?= 10
fuzz: ## fuzz each target for MINUTES=10 (FUZZ_TARGETS='jws path')
	@for target in $(FUZZ_TARGETS); do \
	cargo +nightly fuzz run $$target -- -max_total_time=$$(($(MINUTES) * 60)) -max_len=4096 || exit 1; done

figures: setup wasm ## the module's size, load time, memory by cached tokens, host calls; what 1,000 tenants cost
	$(WITH_PACKAGES) -m bench.figures
	$(WITH_PACKAGES) -m bench.tenants

# -- what the targets above lean on --------------------------------------------------------------------------------------

.PHONY: stage tools tools-rust python

# What the demo runs: the parts in the cache, and the filter.
stage: tools
	@$(PYTHON) -m stack.setup --for demo
	@if test -n "$(TRINO)"; then $(PYTHON) -m stack.setup --for trino; fi
	@echo 'filter     building (a minute or two the first time)'
	@CARGO_TERM_QUIET=true $(MAKE) --no-print-directory --silent wasm

# What this machine lacks: one line each, with the command that installs it.
tools: python
	@$(PYTHON) -m stack.tools

tools-rust: python
	@$(PYTHON) -m stack.tools rust

python:
	@command -v $(PYTHON) >/dev/null || \
	{ echo 'missing: $(PYTHON)  (Debian: apt-get install python3; macOS: brew install python)' >&2; exit 1; }
