# make demo, make test, make venv: all that is needed beforehand is Python 3.10 or later, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint venv clean

demo: venv
	$(BIN)/sparse-annotate demo -o demo

# The panel's stand-in for Slicer gets a process of its own: it ends in another order than the scene's tests do.
test: venv
	$(BIN)/python -m pytest -q --ignore=Testing/Python/panel
	$(BIN)/python -m pytest -q Testing/Python/panel

# Not a part of `test`: a new release of ruff must not break what works.
lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

venv: $(VENV)/installed

# Rebuilt whenever the requirements change; the stamp comes last, so a broken installation is tried again.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[all]'
	touch $@

clean:
	rm -rf $(VENV) demo
