# Every target first creates .venv: a fresh clone, Python 3.11 or newer, git, make and a C compiler are enough.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# No telemetry.
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := 1
export NO_MKDOCS_2_WARNING := 1

.PHONY: setup repro recheck scaling tuning test test-pipeline test-long check docs ui bench clean help

help:
	@echo "make repro          run the study, print the result table and where to look"
	@echo "make recheck        the same after a slide, image, annotation or table has changed"
	@echo "make scaling        error against the number of patches (docs/scaling.md)"
	@echo "make tuning         search for better classifier settings (docs/tuning.md)"
	@echo "make test           the default tests"
	@echo "make test-pipeline  the real pipeline on a tiny study"
	@echo "make test-long      repeated kills, large simulations"
	@echo "make check          style, types, links, documentation"
	@echo "make docs           build the documentation into site/"
	@echo "make ui             the MLflow UI on http://127.0.0.1:5000"
	@echo "make bench          benchmarks"

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $$($(PYTHON) --version) is too old: Python 3.11 or newer is needed. Name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python -m pip install --quiet --editable '.[dev]'
	@touch $(READY)

repro: setup
	dvc repro
	@python -m stages.summary

# DVC does not look into cohort.root: the stage cohort compares what is there.
recheck: setup
	dvc repro --force cohort
	dvc repro
	@python -m stages.summary

scaling: setup
	python -m stages.scaling

tuning: setup
	python -m stages.tune

test: setup
	python -m pytest -n auto --dist worksteal

test-pipeline: setup
	python -m pytest -m 'pipeline or browser'

test-long: setup
	python -m pytest -n auto -m long

check: setup
	ruff check .
	ruff format --check .
	mypy
	codespell README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md docs profiles scripts pathgen stages tests benchmarks
	python scripts/check_links.py README.md CONTRIBUTING.md CHANGELOG.md SECURITY.md docs
	mkdocs build

docs: setup
	mkdocs build
	@echo "documentation       site/index.html"

ui: setup
	@python -m stages.summary --ui

bench: setup
	python -m benchmarks

clean:
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache
