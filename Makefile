PYTHON ?= python3
BIN := .venv/bin

.PHONY: bench demo test lint

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

.venv/benched: .venv/installed
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

bench: .venv/benched
	$(BIN)/python -m benchmarks

demo: .venv/installed
	$(BIN)/coord demo

test: .venv/installed lint
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
