# Every target sets itself up in .venv; Python 3.11 or newer and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
EDITABLE := -e 'core[all]' -e plugins/istock

.PHONY: demo test check acceptance bench docs clean

demo: $(READY)
	$(BIN)/damlink demo

test: $(READY)
	$(BIN)/python -m pytest -m "not acceptance and not live"

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy core/src/damlink plugins/istock/src
	$(BIN)/lint-imports
	$(BIN)/python tests/workspace/generate_reference.py --check
	$(BIN)/mkdocs build --strict --quiet --site-dir build/site

acceptance: $(READY)
	$(BIN)/python -m pytest -m acceptance --timeout 1800

bench: $(READY)
	$(BIN)/python tests/benchmarks/bench.py

docs: $(READY)
	$(BIN)/mkdocs serve

$(READY): pyproject.toml constraints.txt core/pyproject.toml plugins/istock/pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Damlink needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt $(EDITABLE) -r requirements-dev.txt
	touch $(READY)

clean:
	rm -rf $(VENV) build dist site
