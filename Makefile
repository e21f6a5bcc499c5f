# make demo, make test, make docs, make venv: all that is needed beforehand is Python 3.10 or later, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

# uv where it is there, else pip from a folder of its own that is removed afterwards (27 MB). No cache is left behind, and
# nothing is compiled beforehand: of many thousand files a run imports a tenth.
ifneq ($(shell command -v uv),)
CREATE = uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
INSTALL = uv pip install --quiet --no-cache --python $(BIN)/python
# Linux's default PyTorch is for CUDA. Where uv cannot reach the one for the CPU, the default is taken.
INSTALL_ALL = $(INSTALL) --torch-backend cpu -e '.[all]' || $(INSTALL) -e '.[all]'
else
PIP := $(VENV)/installer/bin/python -m pip --disable-pip-version-check
# Before 22.3, as on Ubuntu 22.04, pip knew no --python.
CREATE = $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m venv $(VENV)/installer && $(PIP) install --quiet 'pip>=22.3'
INSTALL = $(PIP) --python $(BIN)/python install --quiet --no-cache-dir --no-compile
INSTALL_ALL = $(INSTALL) -e '.[all]'
endif

.PHONY: demo test lint types docs pictures venv clean

demo: $(VENV)/demo-installed
	$(BIN)/sparse-annotate demo -o demo

# Several processes (conftest.py says how many), each with whole files. The panel's stand-in for Slicer gets
# processes of its own: it ends in another order than the scene's tests do.
PYTEST := $(BIN)/python -m pytest -q -n auto --dist loadfile --durations 10
test: venv
	$(PYTEST) --ignore=Testing/Python/panel
	$(PYTEST) Testing/Python/panel

# Not a part of `test`: a new release of ruff must not break what works.
lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The library's public API, as [tool.mypy] of pyproject.toml says.
types: venv
	$(BIN)/python -m mypy

# The pictures of docs/ that need no Slicer and no training. Those of docs/pictures/panel are taken in a running Slicer by
# `Slicer --no-splash --python-script Resources/make_screenshots.py`; quality.png, agreement.png and initial.png come with the
# measurements on whose pages they stand.
DATA ?= ../shared/data
pictures: venv
	$(BIN)/sparse-annotate demo -o demo && cp demo/demo.png docs/pictures/demo.png
	$(BIN)/python docs/figures/guided_figure.py
	$(BIN)/python docs/figures/painted_figure.py
	@if [ -d $(DATA) ]; then \
	  $(BIN)/python docs/figures/cover_figure.py $(DATA)/OpenKBP_pt_60 && \
	  PYTHONPATH=SparseAnnotate:Testing/Python/mrml $(BIN)/python Testing/Python/mrml/real_case.py $(DATA)/PROMISE12_demo0 docs/pictures; \
	else echo "no $(DATA): cover.png and slicer_*.png stay as they are"; fi

# Strict: a page, a link or an anchor that is missing is an error. Links to other sites are only listed: nothing is asked of the network.
docs: $(VENV)/docs-installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@grep -rhoE 'https?://[^] )>"`]+' --include='*.md' README.md CONTRIBUTING.md docs | sort -u > site/external_links.txt
	@echo "written: site/index.html; links to other sites: site/external_links.txt ($$(wc -l < site/external_links.txt), not looked up)"

venv: $(VENV)/installed

# Both are rebuilt whenever the requirements change; the stamp comes last, so a broken installation is tried again.
# Of nilearn the demo takes one scan: 5 of 170 MB with all that nilearn needs.
$(VENV)/demo-installed: pyproject.toml
	@echo "installing what the demo needs into $(VENV): about 180 MB to download, 0.7 GB on the disk"
	@$(CREATE)
	@$(INSTALL) -e '.[pictures]'
	@$(INSTALL) --no-deps --target $(VENV)/installer/scan 'nilearn>=0.10'
	@mkdir -p $(VENV)/share/sparse-annotate
	@cp $(VENV)/installer/scan/nilearn/datasets/data/mni_icbm152_*_converted.nii.gz $(VENV)/share/sparse-annotate
# 32 MB with which numpy, scipy and scikit-learn test themselves.
	@find $(VENV)/lib -path '*/site-packages/*/tests' -type d -prune -exec rm -rf {} +
	@rm -rf $(VENV)/installer
	@touch $@

$(VENV)/docs-installed: pyproject.toml
	@echo "installing what the site needs into $(VENV): about 200 MB to download"
	@$(CREATE)
	@$(INSTALL) -e '.[docs]'
	@rm -rf $(VENV)/installer
	@touch $@

$(VENV)/installed: pyproject.toml
	@echo "installing all that the tests need into $(VENV): PyTorch, ITK, VTK, slicer-core, Qt, Dask and others."
	@echo "About 1 GB to download and 4 GB on the disk with PyTorch for the CPU, 3 and 9 GB with CUDA (on Linux,"
	@echo "where neither uv nor pip's own settings say otherwise)."
	@$(CREATE)
	@$(INSTALL_ALL)
	@rm -rf $(VENV)/installer
	@touch $(VENV)/demo-installed $@

clean:
	rm -rf $(VENV) demo site
