# `make demo` and `make test` each work as the first command on a machine that has Python and make.

PYTHON  ?= python3
WORKERS ?= 2
ROUNDS  ?= 300
REPEAT  ?= 3
# What `make frameworks` trains with; several GB with their own dependencies.
FRAMEWORKS ?= torch transformers accelerate lightning keras tensorflow xgboost lightgbm catboost scikit-learn \
              stable-baselines3 sacred tensorboard tensorboardX optuna optuna-integration skorch hydra-core pandas \
              ipykernel fastai pytorch-ignite mmengine d3rlpy spacy timm trl peft "setuptools<81"

VENV := .venv
BIN  := $(VENV)/bin
# Newer than pyproject.toml: everything it names is installed.
STAMP := $(VENV)/.installed
CODE  := synadb tests examples

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types fmt bench frameworks notebook kill soak clean install

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## one ordinary wandb script, under real wandb and under SynaDB, compared
	@$(BIN)/synadb compare --repeat $(REPEAT) examples/demo.py

# pytest comes last, so that the last line is its summary.
test: lint types ## format check, lint, types and every test
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadgroup

check: test ## the same as test

lint: $(STAMP) ## format check and lint
	@$(BIN)/python -m ruff format --check $(CODE)
	@$(BIN)/python -m ruff check $(CODE)

types: $(STAMP) ## mypy --strict
	@$(BIN)/python -m mypy --strict

fmt: $(STAMP) ## format, and fix what lint can fix
	@$(BIN)/python -m ruff check --fix $(CODE)
	@$(BIN)/python -m ruff format $(CODE)

bench: $(STAMP) ## measure beside real wandb and write docs/benchmarks.md
	@$(BIN)/python -m synadb.bench.figures

frameworks: $(STAMP) ## install training libraries, and compare what they log under wandb and under SynaDB
	@$(BIN)/python -m pip install --quiet $(FRAMEWORKS)
	@$(BIN)/python -m tests.frameworks.play
	@$(BIN)/python -m pytest tests/frameworks/test_launchers.py tests/test_notebooks.py

notebook: $(STAMP) ## execute the comparison notebook and store its outputs (on a quiet machine)
	@$(BIN)/python -m tests.execute_notebook examples/notebooks/wandb_comparison.ipynb

kill: $(STAMP) ## SIGKILL a logging process ROUNDS times and count what is missing
	@$(BIN)/python -m tests.kill --rounds $(ROUNDS)

soak: $(STAMP) ## every test with new random examples, on twice the workers: what fails by chance
	@$(BIN)/python -m pytest --numprocesses $$((2 * $(WORKERS))) --dist loadgroup --hypothesis-profile random

install: $(STAMP) ## only create the environment

clean: ## remove the environment and every cache
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "SynaDB needs Python 3.10 or newer. Choose one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (once; a minute or so) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
	  || { $(PYTHON) -m venv --clear --without-pip $(VENV) >/dev/null 2>&1 \
	       && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip >/dev/null 2>&1; } \
	  || true
	@$(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || { echo "$(PYTHON) -m venv made no environment with pip in it." >&2; \
	       echo "On Debian and Ubuntu:  apt install python3-venv" >&2; \
	       echo "Or use another Python: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,compare]'
	@touch $@
