# The only door. Each target prepares what it needs on a machine that has Python, make and git.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
READY  := $(VENV)/.ready
EVM    := .venv-evm/.ready
# Bytecode is kept, because starting without it takes twice as long, but not between the sources.
export PYTHONPYCACHEPREFIX = $(CURDIR)/build/pycache

.PHONY: help demo run test test-long check format bench contracts vectors lock ci-tools clean

help:  ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Pulsekey needs Python 3.11 or later; set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'

$(READY): $(VENV)/bin/uv requirements/dev.lock pyproject.toml
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(EVM): $(VENV)/bin/uv requirements/evm.lock
	@test -x .venv-evm/bin/python || $(PYTHON) -m venv .venv-evm
	@$(UV) pip sync --quiet --python .venv-evm/bin/python --require-hashes requirements/evm.lock
	@touch $@

demo: $(READY)  ## Play the whole story on sample data, then exit
	@$(BIN)/pulsekey --home build/demo demo

run: $(READY)  ## The same sample data, then serve the portal until Ctrl-C
	@$(BIN)/pulsekey --home build/run demo --serve

test: $(READY) $(EVM)  ## Every test that ends within minutes
	@$(BIN)/python -m pytest --numprocesses auto tests

test-long: $(READY) $(EVM)  ## Hundreds of kills, long fuzzing
	@PULSEKEY_TEST_EFFORT=long $(BIN)/python -m pytest --numprocesses auto tests

check: $(READY)  ## Format, lint, types, imports, docs
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell
	@$(BIN)/deptry src
	@$(BIN)/python -m pytest --quiet tests/architecture

format: $(READY)  ## Put every file into the house format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY)  ## Measure, print the table and keep it in benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks

contracts: $(EVM) $(READY)  ## Compile the contracts into the package
	@.venv-evm/bin/python contracts/build.py

vectors: $(READY)  ## Write the golden cases anew (a change must be meant)
	@$(BIN)/python -m vectors.generate

lock: $(VENV)/bin/uv  ## Resolve the dependencies anew; releases wait seven days
	@for group in run dev evm; do $(UV) pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --prerelease=if-necessary-or-explicit \
		--exclude-newer "$$(date -u -d '7 days ago' +%F)" --output-file requirements/$$group.lock \
		$$(case $$group in run) echo pyproject.toml ;; dev) echo pyproject.toml --group dev ;; evm) echo --group evm ;; esac); done

ci-tools: $(READY)  ## Install what tests need beyond PyPI: Chromium, anvil, FHIR clients
	@sh tests/install-tools.sh

clean:  ## Remove everything that was built
	@rm -rf $(VENV) .venv-evm .tools build dist node
