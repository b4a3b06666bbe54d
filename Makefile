# make help: what there is to type
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

.PHONY: help setup engine lock lint test

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## install what is missing (nothing, the second time)
	@python3 tools/setup.py

engine: setup ## make `pulumi` work in the virtual environment; built once where it can't be downloaded
	@$(PYTHON) -m tools.engine.build

lock: setup ## pin all dependencies anew, with hashes
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q -o requirements.lock

lint: setup ## format, lint, types
	@$(PYTHON) -m ruff format --check
	@$(PYTHON) -m ruff check
	@$(PYTHON) -m pyright

test: lint ## lint, then every test
	@$(PYTHON) -m pytest tests/unit -n 2
