# Everything a person or a machine does with this project. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help test-full pictures demo serve test bench-loss bench-media bench-vitals bench-survival check format format-check lint types imports js spelling docs lock setup setup-run clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup-run ## start a small invented clinic with simulated devices and print the links
	@exec $(BIN)/telehealth demo

serve: setup-run ## start the real server; settings are TELEHEALTH_* variables
	@exec $(BIN)/telehealth serve

setup-run:
	@$(PYTHON) scripts/install.py run

setup: node_modules/.package-lock.json ## install everything for working on the project
	@$(PYTHON) scripts/install.py dev

node_modules/.package-lock.json: package-lock.json
	@$(PYTHON) scripts/install.py dev
	@npm ci --no-audit --no-fund --loglevel=error

test: setup ## run every test
	@$(BIN)/python -X dev -m pytest $(ARGS)
	@node --test tests/js/

bench-loss: setup ## sound and pictures over links that lose 0 to 20 % at 20 to 300 ms (3 minutes)
	@$(BIN)/python -m benchmarks.loss $(ARGS)

bench-vitals: setup ## measure what one core carries of live vitals, backlog and watchers (8 minutes)
	@$(BIN)/python -m benchmarks.vitals $(ARGS)

bench-survival: setup ## 1,000,000 samples through link cuts and kills of server and gateway
	@$(BIN)/python -m benchmarks.survival $(ARGS)

bench-media: setup ## compare the media plane with Janus and aiortc's relay; ARGS="--repeat 3"
	@$(BIN)/python -m benchmarks.media $(ARGS)

test-full: export TELEHEALTH_FULL_TESTS = 1
test-full: test ## every test, with as many repeats as the documents' figures have

pictures: setup ## take a picture of every page at four sizes, by day and by night, into test-artifacts/pages
	@$(BIN)/python -m pytest -q tests/browser/gallery.py -o python_files=gallery.py

check: setup format-check lint types imports js spelling ## everything that reads the code without running it

format: setup ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

format-check:
	@$(BIN)/ruff format --check .

lint:
	@$(BIN)/ruff check .

types:
	@$(BIN)/mypy

imports:
	@$(BIN)/lint-imports --no-cache

js:
	@node_modules/.bin/tsc -p tsconfig.json

spelling:
	@$(BIN)/codespell

docs: setup ## write the documents that follow from the code
	@$(BIN)/telehealth config-doc > docs/configuration.md

lock: ## compile the locks anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --extra mqtt --extra postgres --group build --no-header --no-annotate -q -o requirements/run.txt
	uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 --all-extras --group dev --no-header --no-annotate -q -o requirements/dev.txt
	uv pip compile --universal --generate-hashes --python-version 3.11 --group node --no-header --no-annotate -q -o requirements/node.txt

clean: ## remove what was installed and built
	rm -rf .venv node_modules dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
