# `make` lists the targets. Everything runs in .venv, which `make setup` makes.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first Python that is new enough; `make PYTHON=/path/to/python3.12 setup` takes another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do $$p -c $(IS_NEW_ENOUGH) 2>/dev/null && echo $$p && break; done)
IS_NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test check golden mutants fuzz test-gpu bench bench-gpu model clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-10s %s\n' "$$name" "$$what"; done

setup: $(STAMP) ## make the environment in .venv; does nothing when it is up to date

# Where an index offers a CPU build of torch (2.13.0+cpu), pip takes it: it sorts above the plain version.
$(STAMP): pyproject.toml ir/_native.c
	@$(or $(PYTHON),false) -c $(IS_NEW_ENOUGH) 2>/dev/null || { \
	  echo "sglc needs Python 3.11 or newer; here, $(or $(PYTHON),python3) is: $$($(or $(PYTHON),python3) --version 2>&1)" >&2; \
	  echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(or $(MAKECMDGOALS),setup)" >&2; exit 1; }
	@$(BIN)/python -c $(IS_NEW_ENOUGH) 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $(STAMP)

demo: setup ## judge the example essays with the embedded model, and show the compiled graph
	$(BIN)/sglc run examples/judge.py --args examples/data/essays.jsonl --report

test: setup ## run the tests; ARGS="-k radix" passes arguments to pytest
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: setup ## lint, format, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/python -m pytest tests/test_layers.py

golden: setup ## rewrite the golden files from what the code does now; read the diff before you commit it
	SGLC_UPDATE_GOLDEN=1 $(BIN)/python -m pytest tests/passes tests/ir

mutants: setup ## plant bugs in the engine, and see that the tests find each
	$(BIN)/python -m tests.mutants

fuzz: setup ## compare compiled programs with plain Python: random ones, N=1000000 START=0
	$(BIN)/python -m tests.fuzz --count $(or $(N),1000000) --start $(or $(START),0) --processes $(or $(PROCESSES),2)

test-gpu: setup ## run the tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu -rs $(ARGS)

bench: setup ## run every benchmark but the GPU's; one alone: .venv/bin/python -m benchmarks.NAME --json FILE
	@set -e; for file in $(filter-out benchmarks/gpu.py,$(wildcard benchmarks/[a-z]*.py)); do $(BIN)/python -m benchmarks.$$(basename $$file .py); done

bench-gpu: setup ## measure a CUDA device, in less than 8 minutes: one table; ARGS="--only kernels --json FILE"
	$(BIN)/python -m benchmarks.gpu $(ARGS)

model: setup ## train the model of models/ into build/model, and measure it
	$(BIN)/python -m models.train --out build/model
	$(BIN)/python -m models.evaluate --model build/model/model --json build/model/figures.json

clean: ## remove caches and build outputs; .venv stays
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
