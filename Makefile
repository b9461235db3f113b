# On a fresh machine with Python 3.11 or newer: `make demo` or `make test`; the rest is done here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

.PHONY: demo test lint bench bench-scale

# Make a small corpus with known copies in demo/, and find them.
demo: $(INSTALLED)
	$(BIN)/pimmi demo --keep demo

test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# What a whole run finds and costs, on the demo's corpus or on CORPUS, made by benchmarks/make_corpus.py.
CORPUS ?= demo
bench: $(INSTALLED) $(CORPUS)/truth.csv
	$(BIN)/python benchmarks/run.py $(CORPUS)

# What a run costs as the corpus grows, with pictures of the folders in POOLS and copies of those in ORIGINALS; then what
# matching 100 million descriptors costs, made of those of the largest study.
POOLS ?=
ORIGINALS ?=
SIZES ?= 5000 20000 50000
SCALE ?= bench/scale
bench-scale: $(INSTALLED)
	@test -n "$(POOLS)" -a -n "$(ORIGINALS)" || { \
		echo "Name folders of pictures: make bench-scale POOLS='photos posters' ORIGINALS=originals" >&2; exit 1; }
	$(BIN)/python benchmarks/scale.py --pool $(POOLS) --originals $(ORIGINALS) --sizes $(SIZES) --out $(SCALE) \
		--keep-studies $(MORE)
	$(BIN)/python benchmarks/scale_model.py $(SIZES:%=$(SCALE)/%.json)
	$(BIN)/python benchmarks/scale_index.py $(lastword $(SIZES:%=$(SCALE)/%/study))
	$(BIN)/python benchmarks/scale_index_all.py $(lastword $(SIZES:%=$(SCALE)/%/study))

demo/truth.csv: | $(INSTALLED)
	$(BIN)/pimmi demo --keep demo

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "pimmi needs Python 3.11 or newer, which $(PYTHON) is not:" \
			"install one and name it, as in make PYTHON=python3.12 demo" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,bench,cluster,ui]'
	@touch $@
