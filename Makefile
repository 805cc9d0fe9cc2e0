# Every target does its own set-up: it needs python3 (3.11 or newer), make and a package registry, nothing else.

PYTHON ?= python3
VENV ?= .venv
PROPOSAL ?= 008
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: run quick lab serve test lint types bench calibrate picture ci clean

run: $(INSTALLED)  ## Test a proposal: train, decide, report (PROPOSAL=008)
	$(BIN)/mve run $(PROPOSAL)

quick: $(INSTALLED)  ## The same with one seed and few epochs, within a minute
	$(BIN)/mve run $(PROPOSAL) --quick

lab: $(INSTALLED)  ## Test every proposal, one after the other; goes on where it was stopped
	$(BIN)/mve run --all

serve: $(INSTALLED)  ## Offer every proposal as a Prefect deployment
	$(BIN)/mve serve

test: $(INSTALLED)  ## All tests, warnings as errors
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

bench: $(INSTALLED)  ## Every figure that README and docs quote
	$(BIN)/python -m benchmarks

calibrate: $(INSTALLED)  ## How often a decision is wrong, by simulation
	$(BIN)/python -m benchmarks.calibration --write docs/calibration.md

picture: $(INSTALLED)  ## The results page as README shows it (needs Debian's chromium)
	$(BIN)/python -m benchmarks.picture experiments/008-cosine-log-linear-attention/results.md docs/results-008.png

ci: lint types test

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) runs .prefect .mypy_cache .ruff_cache .pytest_cache .hypothesis
