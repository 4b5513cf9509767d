# make answer Q="…"   ask the embedded model and archive
# make test           everything that CI runs
# make check          the fast half of it: format, lint, types
# make bench          speed and accuracy against peers

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
Q ?= 北京医保卡在河北住院能直接结算吗
export Q

.PHONY: answer test check wheel bench clean

answer: $(VENV)/core
	@$(BIN)/wenlu answer --pretty "$$Q"

test: check wheel
	$(BIN)/python -m pytest

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The built wheel, alone in an empty environment and folder, answers without the checkout.
wheel: $(VENV)/dev
	rm -rf build/wheel && mkdir -p build/wheel/empty
	$(BIN)/python -m build --wheel --outdir build/wheel . >build/wheel/log || { cat build/wheel/log; exit 1; }
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install -q --disable-pip-version-check -c constraints.txt build/wheel/*.whl
	cd build/wheel/empty && WENLU_HOME=home ../venv/bin/wenlu answer --pretty "$$Q"

bench: $(VENV)/dev
	$(BIN)/python bench/values.py

$(VENV)/core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=… ")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/dev: $(VENV)/core
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e ".[train,serve,batch,ray,dev]"
	@touch $@

clean:
	rm -rf build $(VENV) .mypy_cache .ruff_cache
