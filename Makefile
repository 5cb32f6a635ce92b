# What a person types here. Every target installs first what it needs into VENV.

VENV ?= .venv
# The first of these that is a Python the project supports; or say which: make install PYTHON=/path/to/python.
PYTHON ?= $(shell for python in python3 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo "$$python" && break; done)
BIN := $(VENV)/bin
TESTS ?=
ARGS ?=

.PHONY: install test test-apache demo bench mutants lint types lock clean

install: $(VENV)/.installed

$(VENV)/.installed: requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "offerstream needs Python 3.11 or 3.12 on the PATH; found neither" >&2; exit 1; }
	test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip
	$(BIN)/python -m pip install --quiet --require-hashes --only-binary :all: --no-compile -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	-@$(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib  # on every core, which pip does not
	@touch $@

test: install
	$(BIN)/python -m pytest $(TESTS) $(ARGS)

test-apache: install
	$(BIN)/python -m pytest --broker apache $(or $(TESTS),tests/broker tests/laws/test_crash.py) $(ARGS)

demo: install
	$(BIN)/offerstream demo $(ARGS)

bench: install
	$(BIN)/offerstream bench $(ARGS)

mutants: install
	$(BIN)/python tests/laws/mutants.py $(ARGS)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

# The newest versions that fit pyproject.toml, one version for every Python and platform it supports.
# No index or path is written into the locks; ARGS='--upgrade' moves what is already pinned.
LOCK = build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' $(ARGS)

lock:
	test -x build/uv/bin/uv || { "$(PYTHON)" -m venv build/uv && build/uv/bin/python -m pip install --quiet uv; }
	$(LOCK) --group build -o requirements.lock pyproject.toml
	$(LOCK) --group dev --extra demo -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
