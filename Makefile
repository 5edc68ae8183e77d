# Each target does its own set-up in .venv. PYTHON=/path/to/python chooses the interpreter (3.11 or newer).
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-deps lint docs bench fuzz assurance conformance clean
.NOTPARALLEL:
SHELL := /bin/bash
BIN := .venv/bin
MADE := .venv/.made
SECONDS ?= 60

help: ## What can be asked for
	@sed -n 's/^\([a-z-]*\):.*## /  make \1  /p' Makefile

venv: $(MADE) ## .venv with the project (editable) and every tool
$(MADE): pyproject.toml .ci/make-venv
	@PYTHON='$(PYTHON)' .ci/make-venv
	@touch $@

demo: $(MADE) ## Twenty scenarios against TLS servers on loopback, with every kind of event loop
	@$(BIN)/siptls demo --loop all

# Without root or apt the tests that need servers are reported as not run; with CI=true they fail.
test: $(MADE) ## Every test; as root on Debian it installs the servers that some need
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then .ci/test-deps; fi
	@$(BIN)/python -m pytest --cov --cov-report=term

test-deps: ## The servers for tests/servers (Debian packages; needs root)
	@.ci/test-deps

lint: $(MADE) ## Style, types, import rules, the wheel in a clean venv, docs
	@.ci/lint

docs: $(MADE) ## The documentation, in docs/_build/html
	@$(BIN)/sphinx-build -q -n -W --keep-going -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(MADE) ## The compiled and the interpreted core beside their peers, into benchmarks/latest.txt
	@$(BIN)/python -m benchmarks.run

fuzz: $(MADE) ## SECONDS=n of hostile input
	@$(BIN)/python tests/fuzz/run.py --seconds $(SECONDS)

assurance: $(MADE) ## Second opinions on many thousand worlds; SEED=n again, SCALE=0.1 for a tenth
	@PYTHONPATH=tests $(BIN)/python -m assurance --write $(if $(SEED),--seed $(SEED)) $(if $(SCALE),--scale $(SCALE))

conformance: $(MADE) ## The state of every requirement
	@rm -f .conformance.json
	@$(BIN)/python -m pytest -q --no-header --tb=short >&2 || true
	@$(BIN)/python tests/conformance/report.py

clean: ## Remove everything that make made
	rm -rf .venv build dist docs/_build docs/reference/generated .benchmarks .conformance.json .coverage .coverage.* \
	    .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find core adapters tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
