# Each target sets up .venv by itself. `make demo` and `make test` are all a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test check lint types imports format bench lock clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock hatch_build.py $(wildcard src/metallm/inner/c/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "MetaLLM needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "this Python has no venv module: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'from metallm import inner; print("inner loops:", "compiled" if inner.COMPILED else "numpy alone (docs/decisions/0009-compiled-core.md)")'
	@touch $(STAMP)

demo: setup
	$(BIN)/metallm demo

# The tests start some forty processes; without kept bytecode each compiles the package anew.
test: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

check: lint types imports

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Writes the lock file anew from pyproject.toml, with the dev extras and the build backend.
lock: setup
	$(BIN)/python -m piptools compile --quiet --strip-extras --extra dev --all-build-deps \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --allow-unsafe \
	  --no-annotate --no-header -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
