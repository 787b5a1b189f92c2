# Two commands: `make demo` trains and shows the main example, `make test` checks everything.
PYTHON ?= python3
VENV   ?= .venv
BIN     = $(VENV)/bin

.PHONY: install plugins browser demo test checks docs clean

# Installed once; again when what it depends on changes.
install: $(VENV)/.installed
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

# The packages in plugins/, which the tests run too.
PACKAGES = $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))

plugins: $(VENV)/.plugins
$(VENV)/.plugins: $(VENV)/.installed $(PACKAGES:=/pyproject.toml)
	$(BIN)/python -m pip install --quiet -c constraints.txt $(addprefix -e ./,$(PACKAGES))
	touch $@

# A Chromium for the tests of pages: where there is none, root on Debian gets one. Without, those
# tests are skipped, and pytest's last lines say so.
DEBIAN_ROOT = [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release
CHROMIUM    = DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium

browser: install
	@$(BIN)/python tests/browser.py || { $(DEBIAN_ROOT) && \
	  { $(CHROMIUM) || { apt-get update -qq && $(CHROMIUM); }; } } || \
	  echo "no Chromium: the tests that open pages will be skipped"

demo: install
	$(BIN)/gantrans run examples/seasons.toml

checks: plugins
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: checks browser
	$(BIN)/python -m pytest -n auto

# The pages that are made from the code; a test says when they are out of date.
docs: install
	$(BIN)/python -m gantrans.spec.reference > docs/reference/spec.md
	$(BIN)/python -m gantrans.spec.interfaces docs/reference/kinds

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
