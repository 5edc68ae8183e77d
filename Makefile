# Each target does its own set-up in .venv. PYTHON=/path/to/python chooses the interpreter (3.11 or newer).
.DEFAULT_GOAL := help
.PHONY: help venv demo test test-deps lint docs bench fuzz conformance clean
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

demo: $(MADE) ## Six scenarios against TLS servers on loopback
	@$(BIN)/siptls demo

clean: ## Remove everything that make made
	rm -rf .venv build dist docs/_build docs/reference/generated .benchmarks .conformance.json .coverage .coverage.* \
	    .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find core adapters tests benchmarks docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
