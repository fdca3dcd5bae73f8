PYTHON ?= python3
BIN := .venv/bin

# Of `make simulate` and of `make fuzz-bits`.
SCHEDULES ?= 100000
N ?= 3000

.DEFAULT_GOAL := help
.PHONY: attested bench bench-short chaos demo docs fuzz fuzz-bits help install lint native-check scipy-suite simulate stubs test wheels

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1 \2/p' $(firstword $(MAKEFILE_LIST)) | sort | \
		while read -r target text; do printf '%-12s %s\n' "$$target" "$$text"; done

install: .venv/installed ## make .venv, with this package and all that its tests need

.venv/package: pyproject.toml hatch_build.py $(wildcard tiling/kernels/native/source/*)
	@echo "making .venv and compiling the native kernel: half a minute, the first time"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/installed: .venv/package
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

.venv/documented: .venv/package
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

.venv/benched: .venv/installed
	$(BIN)/python -m pip install --quiet --group bench
	touch $@

demo: .venv/package ## start two workers, filter through them, compare with SciPy
	$(BIN)/coord demo

test: .venv/installed lint ## lint, and all tests
	$(BIN)/python -m pytest -n 2

lint: .venv/installed ## ruff, its formatter and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/documented ## build the site into build/site; a broken link is an error
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/site

bench: .venv/benched ## time everything beside its peers (dask-image, OpenCV, Flask), in half an hour
	$(BIN)/python -m benchmarks

bench-short: .venv/installed ## run each benchmark once, small, to see that it works
	$(BIN)/python -m benchmarks --short
	$(BIN)/python -m benchmarks.many_workers --workers 20 --tiles 200 --tile-s 0.1

chaos: .venv/installed ## a thousand runs with network faults, killed coordinators, flipped bits
	TILEFAN_CHAOS_RUNS=1000 TILEFAN_CHAOS_KILLS=50 TILEFAN_CHAOS_FLIPS=10000 \
		$(BIN)/python -m pytest tests/chaos --durations=10

fuzz: .venv/installed ## 100,000 mutated requests and places to a worker, and as many random parameters
	TILEFAN_FUZZ=$${TILEFAN_FUZZ:-100000} $(BIN)/python -m pytest -n 2 \
		tests/worker/test_hostile.py tests/worker/test_hostile_places.py \
		tests/worker/endpoints/test_filters_fuzz.py -k "mutated or random"

fuzz-bits: .venv/installed ## N examples of every filter and of chains, and N/10 on two workers
	TILEFAN_FUZZ_BITS=$(N) $(BIN)/python -m pytest -n 2 \
		tests/tiling/filters/test_exact.py tests/tiling/filters/test_chains.py \
		tests/tilefan/test_dask.py \
		tests/system/test_filters_fuzz.py

scipy-suite: .venv/installed ## all of SciPy's own tests with our functions, here and on two workers
	TILEFAN_SUITE_SHARE=1 $(BIN)/python -m pytest -n 2 tests/scipy_suite

simulate: .venv/installed ## SCHEDULES random schedules of the dispatcher
	TILEFAN_SCHEDULES=$(SCHEDULES) $(BIN)/python -m pytest -n auto tests/coordinator/dispatch/test_simulation.py

attested: .venv/installed ## write tiling/probes/expected.py anew, with this machine's SciPy
	$(BIN)/python -m tests.tiling.probes.make_expected

stubs: .venv/installed ## write tilefan/*.pyi and coordinator/api/methods.pyi from the table
	$(BIN)/python -m tests.tilefan.make_stubs

native-check: .venv/installed ## tests of the native kernel under AddressSanitizer and UBSan
	$(BIN)/python -m tests.support.sanitized $(BIN)/python -m pytest -n 2 tests/tiling/kernels

wheels: .venv/installed ## build the wheel for every Linux of this architecture into dist/
	$(BIN)/python -m pip install --quiet --group wheel
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir build/wheel .
	PATH="$(BIN):$$PATH" $(BIN)/auditwheel repair --wheel-dir dist build/wheel/*.whl
