# Every target sets itself up in .venv; Python 3.11 or newer and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TOOLS := $(VENV)/tools
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PLUGINS := plugins/sandbox plugins/istock plugins/imatag plugins/gelato plugins/folder extensions/exif extensions/clamav
EDITABLE := -e 'core[all]' $(PLUGINS:%=-e %)

# Children that the tests start would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast fix check acceptance simulate mutants soak kill-points lies cluster-proof bench pictures docs clean

demo: $(READY)
	$(BIN)/damlink demo

test: $(TOOLS)
	$(BIN)/python -m pytest -m "not acceptance and not live" -n 5 --dist worksteal

# While writing: what starts no server and no process.
test-fast: $(TOOLS)
	$(BIN)/python -m pytest -m "not servers and not acceptance and not live" -n 2 core/tests plugins

fix: $(TOOLS)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tests/workspace/generate_reference.py
	$(BIN)/python tests/workspace/draw_architecture.py

check: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy core/src/damlink $(PLUGINS:%=%/src)
	$(BIN)/lint-imports
	$(BIN)/python tests/workspace/generate_reference.py --check
	$(BIN)/python tests/workspace/draw_architecture.py --check
	$(BIN)/zensical build --strict --clean --config-file mkdocs.yml

# The state's tests run once more on the PostgreSQL of Debian's packages, where it is installed.
acceptance: $(TOOLS)
	$(BIN)/python -m pytest -m acceptance --timeout 1800
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || exit 0; \
	DAMLINK_TEST_POSTGRES=system $(BIN)/python -m pytest -m "not acceptance and not live" -n 2 core/tests/_state core/tests/_serve

# All rows, or some: make bench ROWS=small,list ROUNDS=3
ROUNDS ?= 5
# The seeds 0 to SEEDS - 1; or one: SEED=7, and KEEP=0,2 of its faults; REPEAT=100 compares the traces.
SEEDS ?= 1000
simulate: $(TOOLS)
	PYTHONPATH=tests $(BIN)/python -m simulation $(if $(SEED),--seed $(SEED) $(if $(KEEP),--keep $(KEEP)) $(if $(REPEAT),--repeat $(REPEAT)),--seeds $(SEEDS))

# Every point of each case; or CASE=istock, or POINTS=5 of each.
kill-points: $(TOOLS)
	PYTHONPATH=tests $(BIN)/python -m kill_points $(if $(CASE),--case $(CASE)) $(if $(POINTS),--points $(POINTS))

# Every lie about each request; or REQUEST=Uploads.save.
lies: $(TOOLS)
	PYTHONPATH=tests $(BIN)/python -m lies $(if $(REQUEST),--request "$(REQUEST)")

# A simulated year in so many minutes, with real processes; SEED=s begins with the same decisions.
MINUTES ?= 60
soak: $(TOOLS)
	PYTHONPATH=tests $(BIN)/python -m soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# The pictures of the docs; needs Chromium.
pictures: $(TOOLS)
	PICTURES=docs/images $(BIN)/python -m pytest -m acceptance tests/browser/test_pictures.py tests/browser/test_tutorial_pictures.py

# Workers that share a budget, and workers that are killed; or some rows: ROWS="budget:4 clocks:2 kills:120".
cluster-proof: $(TOOLS)
	PYTHONPATH=tests $(BIN)/python -m cluster_proof $(ROWS)

mutants: $(TOOLS)
	$(BIN)/python tests/simulation/mutants.py

bench: $(TOOLS)
	$(BIN)/python tests/benchmarks $(ROWS) --rounds $(ROUNDS)

docs: $(TOOLS)
	$(BIN)/zensical serve --config-file mkdocs.yml

$(READY): constraints.txt core/pyproject.toml $(PLUGINS:%=%/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Damlink needs Python 3.11 or newer; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(EDITABLE)
	touch $(READY)

$(TOOLS): $(READY) requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	touch $(TOOLS)

clean:
	rm -rf $(VENV) build dist site
