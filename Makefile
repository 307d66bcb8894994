# Needs make and Python 3.10 to 3.13 with venv; everything else is installed into .venv, in the versions of the locks.
#
#   make svhn           train on house numbers; ARGS="--train_steps=100" adds flags, or replaces those of the flagfile
#   make test           lint, and run the tests; TESTS=tests/edge runs some of them, and leaves test-edge out
#   make test-distribute  training on several devices and in several processes, one of which is killed
#   make docs-test      the commands of README.md, BUILD.md and docs/, with few steps; DOCS=device.md for one page,
#                       or for several in order: a page may go on from runs of one before it
#   make test-edge      the tests of edge alone, as on a device: without TensorFlow, under each runtime
#   make test-pythons   the same under every Python of 3.10 to 3.13 that is found
#   make pi-test        edge on an emulated Raspberry Pi, installed by the commands of docs/raspberry_pi.md; needs root
#   make sanitize       the tests of the C file under the sanitizers of addresses and of undefined behaviour; needs gcc
#   make lint           only the lint
#   make types          mypy over dcn_tf and edge, the two packages that say that they are typed
#   make format         rewrite what the lint can repair by itself
#   make wheel          dist/dcn_tf-*.whl, for this machine's processor and Python
#   make sdist          dist/dcn_tf-*.tar.gz, for any: pip compiles what is compiled where it installs it
#   make lock           remake the locks, with the checksums of all that they name, from pyproject.toml
#   make fuzz           damaged and odd input of every kind, CASES=10000 of each; the tests make 40
#   make soak           a million calls of a runner, long trainings, kills: the same answers, in the same memory
#   make audit          look the versions of the locks up among known vulnerabilities
#   make licences       the licences of all that is installed
#   make clean          remove the environments and everything built
#
# Another interpreter: make test PYTHON=python3.12 VENV=.venv312

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
TESTS ?=
DOCS ?=
CASES ?= 10000

PY := $(VENV)/bin/python
STAMP := $(VENV)/installed
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check
HASHED := $(PIP_INSTALL) --require-hashes
COMPILE := $(VENV)/bin/uv pip compile --universal --python-version 3.10 --upgrade --generate-hashes --quiet \
	--no-python-downloads --no-header --no-annotate --no-emit-index-url --no-emit-package pip

# What edge is run with: the extras of pyproject.toml. tflite-runtime exists for CPython 3.10 and 3.11.
RUNTIMES = edge $(shell $(PYTHON) -c 'import sys; print("edge-tflite" * (sys.version_info < (3, 12)))')
C_FILES := edge/network/_compiled.c $(wildcard edge/network/c/*)
EDGE_CASES ?= $(VENV)/edge_cases
# From the root on, in quotes: the folder of the project may have a space in its name, which make's abspath would part.
FROM_ROOT = "$(if $(filter /%,$(1)),,$(CURDIR)/)$(1)"
PYTHONS := 3.10 3.11 3.12 3.13

.PHONY: svhn test test-distribute docs-test test-edge test-pythons pi-test sanitize lint types format wheel sdist lock
.PHONY: fuzz soak audit licences clean
.PRECIOUS: $(VENV)-%/installed

svhn: $(STAMP)
	$(PY) -m train.main --flagfile=svhn.flags $(ARGS)

test: lint $(EDGE_CASES)
	DCN_EDGE_CASES=$(call FROM_ROOT,$(EDGE_CASES)) $(PY) -m pytest $(TESTS)
	$(if $(TESTS),,@$(MAKE) --no-print-directory test-edge)

test-distribute: $(STAMP)
	DCN_DISTRIBUTE=1 $(PY) -m pytest -q -n 0 tests/train/test_several_processes.py

docs-test: $(STAMP)
	PYTHONPATH=tests/support:. $(PY) -m docs_commands $(DOCS)

test-edge: $(EDGE_CASES)
	@$(MAKE) --no-print-directory $(RUNTIMES:%=run-%)
	$(if $(filter edge-tflite,$(RUNTIMES)),,@echo "tflite-runtime is skipped: it needs Python 3.10 or 3.11, PYTHON is $$($(PYTHON) -V)")

run-%: $(VENV)-%/installed
	DCN_EXTRA=$* DCN_EDGE_CASES=$(call FROM_ROOT,$(EDGE_CASES)) $(VENV)-$*/bin/python -m pytest tests/edge

test-pythons: $(EDGE_CASES)
	@for version in $(PYTHONS); do \
		if ! python$$version -c '' 2> /dev/null; then echo "python$$version is skipped: there is none"; continue; fi; \
		$(MAKE) --no-print-directory -o $(EDGE_CASES) test-edge PYTHON=python$$version VENV=.venv$$version \
			EDGE_CASES=$(EDGE_CASES) || exit; \
	done

# Root's, because of its chroot; told before anything is made.
pi-test:
	@[ "$$(id -u)" = 0 ] || { echo "make pi-test needs root (chroot and private mounts); run it as root" >&2; exit 2; }
	@$(MAKE) --silent $(RUNTIMES:%=$(VENV)-%/installed) $(STAMP)
	tools/pi/emulated_pi.sh setup
	$(PY) -m train.data.write_images --out=build/pi/images $(if $(DCN_DATA_DIR),--data_dir="$(DCN_DATA_DIR)")
	$(PY) -m tools.pi.check --images=build/pi/images $(foreach extra,$(RUNTIMES),--environment=$(extra)=$(VENV)-$(extra))

# A copy of edge whose C files are compiled with them; Python itself is not, and so has to load their library first.
SANITIZED := build/sanitize
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -O1 -g
sanitize: $(STAMP)
	rm -rf $(SANITIZED) && mkdir -p $(SANITIZED)/tests/edge/network
	cp -r edge pyproject.toml $(SANITIZED)
	cp tests/edge/network/test_compiled.py tests/edge/network/test_compiled_limits.py tests/edge/network/test_stages.py \
		tests/edge/network/test_scaling.py tests/edge/network/test_presence.py tests/edge/network/test_clock.py $(SANITIZED)/tests/edge/network
	cp -r models $(SANITIZED)
	rm -f $(SANITIZED)/edge/network/_compiled*.so
	gcc -shared -fPIC $(SANITIZERS) -I$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("include"))') \
		edge/network/_compiled.c edge/network/c/*.c -lm \
		-o $(SANITIZED)/edge/network/_compiled$$($(PY) -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
	cd $(SANITIZED) && LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
		ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc \
		$(call FROM_ROOT,$(PY)) -m pytest -q -n 0 tests

lint: $(STAMP)
	$(PY) -m ruff check
	$(PY) -m ruff format --check

types: $(STAMP)
	$(PY) -m mypy

format: $(STAMP)
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

wheel: $(STAMP)
	rm -rf build/lib* build/bdist*  # modules of an earlier version would be packed too
	$(PY) -m pip wheel --no-deps --no-build-isolation --wheel-dir dist .

sdist: $(STAMP)
	$(VENV)/bin/uv build --quiet --sdist --no-build-isolation --python $(PY) --out-dir dist

lock: $(STAMP)
	$(COMPILE) pyproject.toml --extra train --extra edge --extra quant --extra serve --extra dev \
		--output-file requirements.lock
	$(COMPILE) pyproject.toml --extra onnx --constraints requirements.lock --output-file requirements-onnx.lock
	$(COMPILE) pyproject.toml --extra edge --output-file requirements-edge.lock
	$(COMPILE) pyproject.toml --extra edge-tflite --output-file requirements-edge-tflite.lock
	printf 'filelock\npytest\npytest-xdist\n' | \
		$(COMPILE) - --constraints requirements.lock --output-file requirements-test.lock

fuzz: $(STAMP)
	DCN_FUZZ=$(CASES) $(PY) -m pytest -q tests/fuzz

soak: $(STAMP)
	PYTHONPATH=tests/support:. $(PY) -m soak $(ARGS)

audit: $(STAMP)
	$(PY) -m tools.upkeep.audit requirements.lock requirements-onnx.lock requirements-edge.lock \
		requirements-edge-tflite.lock

licences: $(STAMP)
	$(PY) -m tools.upkeep.licences

clean:
	rm -rf .venv* $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -f edge/network/_compiled*.so
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: python-is-known
python-is-known:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 10) <= v <= (3, 13) or sys.exit("Python 3.10 to 3.13 is needed: make PYTHON=python3.11. Received: $(PYTHON) = Python %d.%d" % v)'

# Versions come from the lock alone, so pip has nothing to resolve.
$(STAMP): requirements.lock pyproject.toml $(C_FILES) | python-is-known
	$(PYTHON) -m venv $(VENV)
	$(PY) $(HASHED) --use-pep517 --no-deps -r requirements.lock
	$(PY) $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# As a user does it: pip resolves the extra, and fetches what its lock leaves out, if anything.
$(VENV)-%/installed: requirements-%.lock requirements-test.lock pyproject.toml $(C_FILES) | python-is-known
	$(PYTHON) -m venv $(VENV)-$*
	$(VENV)-$*/bin/python $(HASHED) -r requirements-$*.lock
	$(VENV)-$*/bin/python $(PIP_INSTALL) -e '.[$*]'
	$(VENV)-$*/bin/python $(HASHED) -r requirements-test.lock
	@touch $@

# What TensorFlow says, for the tests of edge to compare with.
$(EDGE_CASES): $(shell find tests/support dcn_tf edge tools -name "*.py") | $(STAMP)
	PYTHONPATH=tests/support TF_CPP_MIN_LOG_LEVEL=3 $(PY) -m edge_cases $@ > /dev/null
	@touch $@
