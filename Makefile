# Needs make and Python 3.10 to 3.13 with venv; everything else is installed into .venv, in the versions of the lock.
#
#   make svhn     train on house numbers; ARGS="--train_steps=100" adds flags, or replaces those of the flagfile
#   make test     lint, and run the tests; TESTS=tests/edge runs some of them
#   make lint     only the lint
#   make format   rewrite what the lint can repair by itself
#   make wheel    dist/dcn_tf-*.whl
#   make lock     remake both locks from pyproject.toml
#   make clean    remove .venv and everything built
#
# Another interpreter: make test PYTHON=python3.12 VENV=.venv312

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
TESTS ?=

PY := $(VENV)/bin/python
STAMP := $(VENV)/installed
COMPILE := $(VENV)/bin/uv pip compile pyproject.toml --universal --python-version 3.10 --upgrade --quiet \
	--no-python-downloads --no-header --no-annotate --no-emit-index-url

.PHONY: svhn test lint format wheel lock clean

svhn: $(STAMP)
	$(PY) -m train.main --flagfile=svhn.flags $(ARGS)

test: lint
	$(PY) -m pytest $(TESTS)

lint: $(STAMP)
	$(PY) -m ruff check
	$(PY) -m ruff format --check

format: $(STAMP)
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

wheel: $(STAMP)
	$(PY) -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

lock: $(STAMP)
	$(COMPILE) --extra train --extra edge --extra quant --extra dev --output-file requirements.lock
	$(COMPILE) --extra edge --output-file requirements-edge.lock

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

# Versions come from the lock alone, so pip has nothing to resolve.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or sys.exit("Python 3.10 to 3.13 is needed: make PYTHON=python3.11. Received: $(PYTHON) = Python %d.%d" % v)'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --use-pep517 --no-deps -r requirements.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
