# Everything runs in virtual environments of the project's own: Python 3.10+ and make are enough.
# `make help` lists what there is.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# The first Python that works and is new enough.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2>/dev/null \
	&& echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
# The newest livekit-agents that the suite is known to pass with; `make test-all` has the oldest.
AGENTS ?= 1.8.9
# Test files for `make test-ends`; all where it is empty.
ONLY ?=
# Processes that the tests run in.
JOBS ?= 2
# For `make bench`: --json, --short, --only TOPIC.
BENCH ?=
# Endings that `make endings` produces at a time: most of their time is waiting.
ENDINGS_JOBS ?= 4
# Calls that `make volume` invents.
COUNT ?= 1000000

.DEFAULT_GOAL := help
.PHONY: help demo demo-livekit test test-all test-ends check format tools dist coverage chaos presidio endings clean engines volume report-proof bench

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

demo: $(VENV)/base ## Run a scripted call offline, show its record (./analytics)
	@$(BIN)/python -m examples.offline_call

demo-livekit: $(VENV)/dev tools ## The same call through a real livekit-server, to a local S3 and CloudWatch
	@$(BIN)/python -m examples.livekit_call

test: $(VENV)/dev tools ## Run all tests, real servers included
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-all: $(VENV)/dev tools ## Run all tests on every Python here, and with the oldest livekit-agents
	$(BIN)/python -m tests.matrix --newest $(AGENTS)

test-ends: $(VENV)/dev tools ## Run all tests with the oldest and the newest pair of these only
	$(BIN)/python -m tests.matrix --newest $(AGENTS) --ends $(ONLY)

check: $(VENV)/dev ## Lint, types for three platforms, import layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --platform darwin livekit_plugins_analytics
	$(BIN)/mypy --platform win32 livekit_plugins_analytics
	$(BIN)/lint-imports

format: $(VENV)/dev ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

coverage: $(VENV)/dev ## Branch coverage of the pure modules: all of it
	$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile tests/test_*.py tests/collectors tests/redaction tests/signals --ignore tests/test_examples.py \
		--cov=livekit_plugins_analytics --cov-branch --cov-report=
	$(BIN)/coverage report --fail-under=100 --include='$(PURE)' --omit='$(HEAVY)'

chaos: $(VENV)/dev ## Kill calls, writers and drainers thousands of times: nothing lost, nothing torn
	ANALYTICS_CHAOS=1000 $(BIN)/python -m pytest -k killed --timeout 3600 -s \
		tests/delivery/test_crash.py tests/test_recovery.py

presidio: $(VENV)/dev ## Install Presidio (300 MB) and run its tests
	$(PIP) --editable '.[presidio]'
	$(BIN)/python -m pytest tests/redaction/test_presidio.py

engines: $(VENV)/dev tools ## Prove the warehouses' statements on Spark, Trino, fakesnow and DuckDB
	$(BIN)/python -m tests.engines.parts
	$(BIN)/python -m pytest -m engines tests/engines

endings: $(VENV)/dev tools ## Produce every ending of a call, print the README's table of them
	$(BIN)/python -m tests.endings --jobs $(ENDINGS_JOBS)

volume: $(VENV)/dev ## Invent a million calls, compact and query them: time and memory (COUNT=)
	$(BIN)/python -m tests.benchmarks.volume --count $(COUNT)

report-proof: $(VENV)/dev ## Report 100,000 invented calls, look at the page in Chromium, print what it took
	ANALYTICS_REPORT_CALLS=100000 $(BIN)/python -m pytest -q --timeout 1800 tests/report/test_proof.py

bench: $(VENV)/dev ## Measure what the package costs a call (10 minutes; BENCH=--short: 2)
	@$(BIN)/python -m tests.benchmarks $(BENCH)

dist: $(VENV)/dev ## Build sdist and wheel, check them, install the wheel into an empty environment
	rm -rf dist build/empty
	$(BIN)/python -m build --quiet
	$(BIN)/twine check --strict dist/*
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip --disable-pip-version-check install --quiet dist/*.whl
	cd build && empty/bin/python -c 'import livekit_plugins_analytics as a; print(a.__version__)'
	cd build && empty/bin/livekit-analytics --version

tools: $(VENV)/dev ## Build the media server and the S3 gateway into .tools, once
	@$(BIN)/python -m tests.tools

clean: ## Remove what was built, except the tools
	rm -rf $(VENV) .venv-* build dist .coverage .mypy_cache .ruff_cache .pytest_cache

PURE := livekit_plugins_analytics/accuracy.py,livekit_plugins_analytics/lines.py,livekit_plugins_analytics/parts.py,$\
	livekit_plugins_analytics/record.py,livekit_plugins_analytics/session_id.py,livekit_plugins_analytics/trim.py,$\
	livekit_plugins_analytics/ending.py,livekit_plugins_analytics/settings.py,$\
	livekit_plugins_analytics/draft.py,livekit_plugins_analytics/discovery.py,$\
	livekit_plugins_analytics/coverage.py,livekit_plugins_analytics/document.py,$\
	livekit_plugins_analytics/privacy.py,livekit_plugins_analytics/transcription.py,$\
	livekit_plugins_analytics/costs/*,livekit_plugins_analytics/collectors/*,$\
	livekit_plugins_analytics/redaction/*,livekit_plugins_analytics/signals/*
# What needs an extra that the tests do without.
HEAVY := livekit_plugins_analytics/redaction/presidio.py

$(VENV)/base: pyproject.toml constraints.txt
	@test -n '$(PYTHON)' || { echo 'Python 3.10 to 3.14 is needed; set PYTHON=' >&2; exit 1; }
	@echo 'Installing the package into $(VENV) (a minute, once)'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --editable . 'livekit-agents==$(AGENTS)'
	@touch $@

$(VENV)/dev: $(VENV)/base
	@echo 'Installing what the tests and checks need (a minute, once)'
	@$(PIP) --editable '.[dev]' 'livekit-agents==$(AGENTS)'
	@touch $@
