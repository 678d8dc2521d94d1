# Every target sets up its own virtual environment, once; afterwards nothing is downloaded.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
SEED ?= 0
SECONDS ?= 120
MODELS ?= build/models
THREADS ?= 1
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: cold-start rates search cost-model interpreter demo test lint types matmul operators bench-untuned onnx-coverage memory models compile-time fuzz lit pytest clean

demo: $(VENV)/.run
	$(BIN)/python examples/digits.py

matmul: $(VENV)/.run
	$(BIN)/python benchmarks/matmul.py

operators: $(VENV)/.models
	$(BIN)/python benchmarks/operators.py --threads $(THREADS) --check

bench-untuned: $(VENV)/.models
	$(BIN)/python benchmarks/untuned.py --folder $(MODELS) --check

cold-start: $(VENV)/.dev
	$(BIN)/python benchmarks/cold_start.py --check

rates: $(VENV)/.dev
	$(BIN)/python benchmarks/rates.py --check

search: $(VENV)/.dev
	$(BIN)/python benchmarks/search.py --check

cost-model: $(VENV)/.dev
	$(BIN)/python benchmarks/cost_model.py --check

interpreter: $(VENV)/.run
	$(BIN)/python benchmarks/interpreter.py --check

compile-time: $(VENV)/.run
	$(BIN)/python benchmarks/compile_time.py --check

memory: $(VENV)/.models
	$(BIN)/python benchmarks/memory.py --check

models: $(VENV)/.models
	$(BIN)/python benchmarks/models.py $(MODELS) --check

onnx-coverage: $(VENV)/.dev
	$(BIN)/python benchmarks/onnx_coverage.py --write docs/onnx.md

fuzz: $(VENV)/.dev
	$(BIN)/python benchmarks/fuzz.py --seconds $(SECONDS) --seed $(SEED) --fresh --check

test: lit pytest

lit: $(VENV)/.dev
	$(BIN)/lit -sv --order=smart filecheck

pytest: $(VENV)/.dev
	$(BIN)/python -m pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/pyright --project pyproject.toml --pythonpath $(BIN)/python

clean:
	rm -rf $(VENV)

# A stamp stands for an environment that is complete: an installation that was cut off leaves none.
$(VENV)/.run: pyproject.toml setup.py
	@test -n "$(PYTHON)" || { echo "expected Python 3.11 or newer, got none: set PYTHON=..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --editable ".[onnx]"
	touch $@

$(VENV)/.dev: $(VENV)/.run
	$(PIP_INSTALL) --editable ".[onnx,dev]"
	touch $@

$(VENV)/.models: $(VENV)/.dev
	$(PIP_INSTALL) --editable ".[onnx,dev,models]"
	touch $@
