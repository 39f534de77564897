# `make demo`: ten years of the baseline market, told and drawn. `make test`: the whole suite.
# Both make .venv with $(PYTHON), 3.11 or newer: `make demo PYTHON=python3.12` takes another.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/test.lock
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
DEMO := runs/demo

.DEFAULT_GOAL := help
.PHONY: help demo test docs gallery lock clean

help:
	@echo "make demo   run scenarios/baseline.toml into $(DEMO), print the summary, draw the charts, write the report"
	@echo "make test   lint, types, import contracts and the whole test suite"
	@echo "make gallery  draw docs/gallery.md and its pictures anew (a few minutes)"
	@echo "make docs   write anew what the documents take from the program"
	@echo "make lock   resolve $(LOCK) anew (needs uv)"
	@echo "make clean  remove .venv and caches"

demo: $(VENV)/run
	@rm -rf $(DEMO)
	@$(BIN)/market-sim run scenarios/baseline.toml --out $(DEMO)
	@echo "Charts:"
	@$(BIN)/market-sim plot $(DEMO) --format svg
	@echo "The report, to open in a browser:"
	@$(BIN)/market-sim report $(DEMO) -o $(DEMO)/report.html

test: $(VENV)/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 2

docs: $(VENV)/run
	$(BIN)/python docs/refresh.py

gallery: $(VENV)/run
	$(BIN)/python docs/gallery.py
	$(BIN)/python docs/history.py

lock:
	uv pip compile --universal --python-version 3.11 --extra test pyproject.toml --upgrade \
		--custom-compile-command "make lock" --annotation-style=line --no-emit-index-url --output-file $(LOCK)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The package itself, with the versions that the tests run on.
$(VENV)/run: pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is older than 3.11: try make PYTHON=python3.12" >&2; exit 2; }
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --constraint $(LOCK) --editable .
	@touch $@

$(VENV)/test: $(VENV)/run
	@$(PIP) --requirement $(LOCK)
	@touch $@
