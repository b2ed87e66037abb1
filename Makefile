# Two commands do everything: `make materialize` and `make test`. Nothing is written outside this folder.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PORT ?= 3000
SIZE ?= small

export DAGSTER_HOME := $(CURDIR)/.dagster
export DAGSTER_DISABLE_TELEMETRY := yes
export XDG_CACHE_HOME ?= $(CURDIR)/.cache
export MPLCONFIGDIR ?= $(CURDIR)/.cache/matplotlib
export PYTHONWARNINGS ?= ignore
# Container images set it: every process, and many are started, would compile torch and Dagster again.
unexport PYTHONDONTWRITEBYTECODE

MATERIALIZE := $(BIN)/dagster asset materialize -m compsim_assets.definitions

.PHONY: install materialize table ui images test lint check bench clean

install: $(INSTALLED)  ## the environment, pinned by constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	touch $@

materialize: $(INSTALLED)  ## every asset, both cutoff modes, then Table 1
	$(MATERIALIZE) --select 'not tag:compsim/stage=comparison' --partition base
	$(MATERIALIZE) --select 'tag:compsim/stage=mode' --partition rolling
	$(MATERIALIZE) --select 'tag:compsim/stage=comparison'
	@$(MAKE) --no-print-directory table

table: $(INSTALLED)  ## print Table 1 and where the pictures are
	@$(BIN)/python -m compsim_assets

ui: $(INSTALLED)  ## the Dagster webserver with these results, on localhost
	$(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT)

images: $(INSTALLED)  ## the README's pictures, from the materialized sample; needs Chromium
	$(BIN)/python -m docs.make_images

test: $(INSTALLED)  ## all tests, three processes: many of them wait
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED)  ## style, types, import contracts, definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/dagster definitions validate --workspace workspace.yaml

check: test lint

bench: $(INSTALLED)  ## ours, the published algorithm, the hardware's floor; SIZE=paper, ARGS=--save
	$(BIN)/python -m benchmarks.run $(SIZE) $(ARGS)

clean:  ## results, run history and caches; keeps the environment
	rm -rf data/sample data/local data/huggingface .cache $(filter-out .dagster/dagster.yaml,$(wildcard .dagster/*))
