# Everything a developer does here.  `make demo` and `make test` work on a fresh machine that has Python >= 3.10 and make.
#
# A target installs what it needs into $(VENV) first; the stamps in there say what is in, and setup.cfg renews them.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

VENV     ?= .venv
VERSIONS ?= 3.10 3.11 3.12 3.13
TESTS    ?= tests
SECONDS  ?= 60
SEED     ?= 1

# The first interpreter that is new enough.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11 python3.10 python,\
	$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $(p))))

bin := $(VENV)/bin
pip := $(bin)/python -m pip install --quiet --disable-pip-version-check

# Pyright's wheel holds the checker and the extra `nodejs` its Node; without this it asks the network for newer ones.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help
help: ## show this list
	@echo "usage: make TARGET [VENV=.venv] [PYTHON=python3]"; echo
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | while IFS='|' read -r t d; do printf '  %-14s %s\n' "$$t" "$$d"; done

# -- the environment ---------------------------------------------------------------------------------------------------

$(bin)/python:
	@test -n "$(PYTHON)" || { echo "no Python >= 3.10 found; name one with PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "cannot make an environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed: $(bin)/python setup.cfg pyproject.toml
	@$(pip) --editable .
	@touch $@

$(VENV)/.installed-test: $(bin)/python setup.cfg pyproject.toml
	@echo "installing oxide and what its tests need into $(VENV)"
	@$(pip) --editable '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-dev: $(bin)/python setup.cfg pyproject.toml
	@echo "installing oxide, what its tests need and the checkers into $(VENV)"
	@$(pip) --editable '.[dev]'
	@touch $(VENV)/.installed $(VENV)/.installed-test $@

.PHONY: install
install: $(VENV)/.installed-dev ## install oxide and all developer tools into .venv

# -- what people run ---------------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.installed ## take the guided tour, against an embedded server
	@$(bin)/python -m oxide demo

.PHONY: test
test: $(VENV)/.installed-test ## run all tests (TESTS=tests/protocol for some)
	$(bin)/python -m pytest $(TESTS)

.PHONY: test-all
test-all: ## run all tests on each CPython of VERSIONS that is here
	@set -e; passed=; for v in $(VERSIONS); do \
	  for p in python$$v "$${PYENV_ROOT:-$$HOME/.pyenv}/versions/$$v".*/bin/python$$v; do \
	    if "$$p" -c '' 2>/dev/null; then \
	      echo "== CPython $$v"; $(MAKE) --no-print-directory test PYTHON="$$p" VENV=.venv-$$v; passed="$$passed $$v"; break; \
	    fi; \
	  done; \
	done; echo "passed on:$$passed"; test "$$passed" = " $(VERSIONS)" || echo "not here, so left out: the others of $(VERSIONS)"; test -n "$$passed"

.PHONY: check
check: format-check lint types sync-check test ## all that CI checks: format, lint, types, generated files, tests, house rules

.PHONY: format-check
format-check: $(VENV)/.installed-dev
	$(bin)/ruff format --check --quiet . || { echo "run: make format" >&2; exit 1; }

.PHONY: lint
lint: $(VENV)/.installed-dev ## lint
	$(bin)/ruff check --quiet .

.PHONY: types
types: $(VENV)/.installed-dev ## mypy and pyright, both strict
	$(bin)/mypy
	$(bin)/pyright --pythonpath $(bin)/python

.PHONY: format
format: $(VENV)/.installed-dev ## format the tree and sort its imports
	$(bin)/ruff check --quiet --fix-only .
	$(bin)/ruff format --quiet .

.PHONY: coverage
coverage: $(VENV)/.installed-test ## run all tests and show the lines they miss
	$(bin)/coverage erase
	$(bin)/coverage run -m pytest $(TESTS)
	$(bin)/coverage combine --quiet
	$(bin)/coverage report

.PHONY: check-real
check-real: $(VENV)/.installed-test ## try the clients with real servers and proxies in front
	RUN_REAL=1 $(bin)/python -m pytest tests/real

.PHONY: fuzz
fuzz: $(VENV)/.installed-test ## run each harness of fuzz/ for SECONDS=60, from SEED=1
	@set -e; for f in fuzz/[a-z]*.py; do echo "== $$f"; $(bin)/python $$f --seconds $(SECONDS) --seed $(SEED); done

.PHONY: bench
bench: $(VENV)/.installed-test ## compare with the official SDK and with hand-written floors
	$(bin)/python -m bench

# SPEC is a path or an address; without it, the published document is fetched, and without a network what is committed is written anew.
.PHONY: sync
sync: $(VENV)/.installed-dev ## take the facts about the API from SPEC=path-or-URL, tell what changed, write all (ALL=1: cut no list)
	@$(bin)/python -m tools.sync $(if $(SPEC),--spec '$(SPEC)',--published) $(if $(ALL),--all)

.PHONY: generate
generate: $(VENV)/.installed-dev ## write models, resources and tables anew from the facts that are committed
	@$(bin)/python -m tools.sync

.PHONY: coverage-table
coverage-table: $(VENV)/.installed-dev ## tell how much of the facts about the API the classes cover
	@$(bin)/python -m tools.sync --coverage

.PHONY: sync-check
sync-check: $(VENV)/.installed-dev
	$(bin)/python -m tools.sync --check

.PHONY: package
package: $(VENV)/.installed-dev ## build sdist and wheel, and try the wheel alone in an empty environment
	rm -rf build dist
	$(bin)/python -m build --outdir dist .
	$(bin)/python -m tools.try_wheel dist

.PHONY: clean
clean: ## remove what the targets above made, environments too
	rm -rf build dist .venv .venv-3.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* ./*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
