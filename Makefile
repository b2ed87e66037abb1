# Two commands do everything: `make materialize` and `make test`. Nothing is written outside this folder.
#
#   make materialize SELECT='key:cutoffs+' ARGS='--mode base'    a part; `compsim materialize --help` has the options
#   make clean-all YES=1                                         without a question
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
# `dg check defs` does the same, it says.
export PYTHONWARNINGS ?= ignore:Function `definitions_validate_command` is superseded
# Container images set it: every process, and many are started, would compile torch and Dagster again.
unexport PYTHONDONTWRITEBYTECODE

# What `clean` and `clean-all` delete. A folder of your own, COMPSIM_DATA, is never among it.
CACHES := .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
HISTORY = $(filter-out .dagster/dagster.yaml,$(wildcard .dagster/*))
IMPORTED = $(wildcard data/local data/huggingface)
KEPT = kept: $(IMPORTED) and the run history, which is of these too; make clean-all deletes them

.PHONY: install materialize rebuild table ui images test lint check bench clean clean-all

install: $(INSTALLED)  ## the environment, pinned by constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -c 'import compsim_assets.preloaded as once; once.load()'
	touch $@

materialize: $(INSTALLED)  ## what is out of date, in one run, then Table 1; SELECT=, ARGS=
	@$(BIN)/compsim materialize $(if $(SELECT),'$(SELECT)') $(ARGS)

rebuild: $(INSTALLED)  ## the same, and what is up to date
	@$(BIN)/compsim materialize $(if $(SELECT),'$(SELECT)') --force $(ARGS)

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

clean:  ## the sample's results, caches, and run history if it is of the sample alone
	rm -rf data/sample $(CACHES) $(if $(IMPORTED),,$(HISTORY))
	$(if $(IMPORTED),@echo "$(KEPT)")

clean-all:  ## every result in data/, run history and caches, after a question; keeps the environment
	@du -sh $(wildcard data/sample $(IMPORTED) $(HISTORY) $(CACHES)) 2>/dev/null || true
	@if [ "$(YES)" != 1 ]; then \
	  [ -t 0 ] || { echo "clean-all asks before it deletes this: run it in a terminal, or with YES=1"; exit 1; }; \
	  printf 'Delete all of it? Type yes: '; read answer; [ "$$answer" = yes ] || exit 1; \
	fi
	rm -rf data/sample $(IMPORTED) $(HISTORY) $(CACHES)
