PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint simulate

SCHEDULES ?= 100000

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

demo: .venv/installed
	$(BIN)/coord demo

test: .venv/installed lint
	$(BIN)/python -m pytest

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

simulate: .venv/installed
	TILEFAN_SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -n auto tests/coordinator/test_dispatch_simulation.py
