PYTHON ?= python3
BIN := .venv/bin

.PHONY: attested demo test fuzz lint simulate

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

fuzz: .venv/installed
	TILEFAN_FUZZ=100000 $(BIN)/python -m pytest tests/worker/test_hostile.py -k mutated

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

simulate: .venv/installed
	TILEFAN_SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -n auto tests/coordinator/test_dispatch_simulation.py

attested: .venv/installed
	$(BIN)/python -m tests.tiling.make_attested
