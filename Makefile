PYTHON ?= python3
BIN := .venv/bin

.PHONY: attested bench bench-short chaos demo fuzz fuzz-bits lint simulate test

SCHEDULES ?= 100000
N ?= 3000

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

bench-short: .venv/installed
	$(BIN)/python -m benchmarks --short

demo: .venv/installed
	$(BIN)/coord demo

test: .venv/installed lint
	$(BIN)/python -m pytest -n 2

chaos: .venv/installed
	TILEFAN_CHAOS_RUNS=1000 TILEFAN_CHAOS_KILLS=50 TILEFAN_CHAOS_FLIPS=10000 \
		$(BIN)/python -m pytest tests/chaos --durations=10

fuzz: .venv/installed
	TILEFAN_FUZZ=100000 $(BIN)/python -m pytest tests/worker/test_hostile.py -k mutated

fuzz-bits: .venv/installed
	TILEFAN_FUZZ_BITS=$(N) $(BIN)/python -m pytest -n 2 \
		tests/tiling/filters/test_exact.py tests/tiling/filters/test_chains.py

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

simulate: .venv/installed
	TILEFAN_SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -n auto tests/coordinator/dispatch/test_simulation.py

attested: .venv/installed
	$(BIN)/python -m tests.tiling.probes.make_expected
