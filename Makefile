# Everything runs in .venv, which is made on first use. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
FLEET := examples/flights/fleet.yaml
# The unit tests and the packages whose doctests run with them.
UNIT := tests/unit engine monitoring retrain fleet hosts dashboards commands

.DEFAULT_GOAL := help
.PHONY: help run replay quick test lint unit azure sim stat bench browser format clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

run: .venv/run ## replay the flights year, then serve the dashboard on http://127.0.0.1:7071/
	$(BIN)/driftwarden replay --fleet $(FLEET)
	$(BIN)/driftwarden serve --fleet $(FLEET)

replay: .venv/run ## replay the flights year and write var/flights/summary.json
	$(BIN)/driftwarden replay --fleet $(FLEET)

quick: .venv/dev ## lint, types, and the unit tests that stay in the process: a minute
	$(MAKE) --no-print-directory -j 2 lint unit

test: .venv/dev build/node/.made build/functions-runtime/.made lint ## everything CI runs: lint, types, and every test that is not a full sweep
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow" --durations=25 --durations-min=1

lint: .venv/dev ## style, types and import contracts alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: .venv/dev
	$(BIN)/pytest -n 2 -m quick $(UNIT)

azure: .venv/dev build/node/.made ## the flights' summer on the Azure host, and logs that grow: Azurite and loopback doubles
	$(BIN)/pytest -m slow -s tests/azure/test_replay.py
	$(BIN)/pytest -m slow -s tests/azure/test_faults.py -k append_blobs

sim: .venv/dev build/node/.made ## every crash point of whole stories, every commit raced, every fault of Azure's services
	$(BIN)/pytest -m slow -s tests/simulation tests/azure/test_faults.py tests/contract tests/face tests/unit --ignore tests/unit/monitoring

stat: .venv/dev ## false-alarm and power rates at full size
	$(BIN)/pytest -m slow -n 2 -rP tests/statistical tests/unit/monitoring

bench: .venv/dev ## speeds as ratios, answers asserted
	$(BIN)/python -m tests.bench

browser: .venv/dev ## the dashboard in a real browser (needs chromium)
	$(BIN)/pytest -m slow tests/browser

format: .venv/dev ## rewrite the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what was built and replayed; .venv stays
	rm -rf var build .mypy_cache .ruff_cache .pytest_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip

.venv/run: .venv/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable ".[example]"
	@touch $@

.venv/dev: .venv/run
	$(BIN)/pip install --quiet --editable ".[example,azure,reports,dev]"
	@touch $@

# Azurite, and Microsoft's parser of the query language; without npm the tests that need them say so.
build/node/.made:
	@mkdir -p build/node
	@if command -v npm >/dev/null; then \
	  npm install --silent --no-audit --no-fund --prefix build/node azurite@3.37.0 \
	    @kusto/language-service-next@12.4.1 && touch $@; \
	else echo "npm is not installed: tests on Azurite and of KQL are skipped"; fi

# The Functions worker's own library. It asks for a newer Python than it needs, so it stands apart.
build/functions-runtime/.made:
	$(BIN)/pip install --quiet --ignore-requires-python --no-deps --target build/functions-runtime \
	  azure-functions-runtime==1.3.0 azurefunctions-extensions-base
	@touch $@
