# What a person types here. Every target installs first what it needs into VENV.

VENV ?= .venv
# The first of these that is a Python the project supports; or say which: make install PYTHON=/path/to/python.
PYTHON ?= $(shell for python in python3 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null \
	&& echo "$$python" && break; done)
BIN := $(VENV)/bin
TESTS ?=
ARGS ?=
# How many processes share the tests: one more than there are cores, since many tests wait for a broker or a
# worker more than they compute. ARGS=-n0 runs them in one process, which a debugger needs.
PROCESSES ?= $(shell expr $$(nproc) + 1)
# Each takes its part in one run of neighbours, so that what a module sets up is set up once, and then helps others.
PYTEST := -m pytest --numprocesses $(PROCESSES) --dist worksteal

.PHONY: install test test-apache demo bench peers mutants soak coverage lint types lock clean

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
	$(BIN)/python $(PYTEST) $(TESTS) $(ARGS)

test-apache: install
	$(BIN)/python $(PYTEST) --broker apache $(or $(TESTS),tests/broker tests/laws/test_crash.py) $(ARGS)

# The share of lines that tests run, by room, with those that run in processes which tests start.
# It costs a tenth more time on Python 3.12; on 3.11, without sys.monitoring, four fifths.
coverage: install
	$(BIN)/python -m coverage erase
	COVERAGE_CORE=$$($(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")') \
		$(BIN)/python -m coverage run $(PYTEST) $(TESTS) $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	@$(BIN)/python -m coverage report | awk '$(BY_ROOM)'

BY_ROOM = function row(name, lines, missed) { \
		printf "%-26s%7d lines%7d missed%7.1f %%\n", name, lines, missed, 100 - 100 * missed / lines } \
	$$1 ~ /[.]py$$/ && $$2 { depth = split($$1, at, "/"); room = depth > 2 ? at[1] "/" at[2] : at[1]; \
		if (!(room in lines)) rooms[++count] = room; lines[room] += $$2; missed[room] += $$3 } \
	$$1 == "TOTAL" { for (i = 1; i <= count; i++) row(rooms[i], lines[rooms[i]], missed[rooms[i]]); \
		row("TOTAL", $$2, $$3) }

demo: install
	$(BIN)/offerstream demo $(ARGS)

bench: install
	$(BIN)/offerstream bench $(ARGS)

# What tests/benchmarks/peers measures beside the worker, apart from what that runs on.
peers: build/peers

build/peers: pyproject.toml
	"$(PYTHON)" -m venv build/peers
	build/peers/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	build/peers/bin/python -m pip install --quiet --group peers
	@touch build/peers

mutants: install
	$(BIN)/python tests/laws/mutants.py $(ARGS)

# Twenty minutes of a busy shop with restarts; fails when memory, disk, restart time or latency grow.
# For hours, and on another broker: make soak ARGS="--minutes 240 --rate 1000 --broker apache".
soak: install
	$(BIN)/python -m tests.soak.run $(ARGS)

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
	$(LOCK) --group build --extra avro -c requirements.lock -o requirements-avro.lock pyproject.toml
	$(LOCK) --group build --extra avro --extra msk -c requirements-avro.lock -o requirements-msk.lock pyproject.toml
	$(LOCK) --group dev --extra avro --extra demo --extra ui -c requirements-avro.lock -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache
