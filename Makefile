# make help: what there is to type
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python

SOURCE := samples/kpu-2019

TESTS := $(PYTHON) -m pytest -p tests.progress --durations=10 -o console_output_style=classic --continue-on-collection-errors
# The tests of a file share what they stand on; those that wait leave their core to those that don't.
BY_FILE := -p tests.longest_first --dist loadfile --no-loadscope-reorder

.PHONY: help up down setup engine lock lint format diagram unit test test-night bench-lab bench-deploy bench-log bench-look bench-loader bench-results bench-ticks bench-bucket bench-archive

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: ## all of it on the stack `lokal`: hosts, release, results, checks (again: nothing changes)
	@python3 tools/setup.py engine image
	@.venv/bin/fab up $(if $(DESTROY),--destroy $(DESTROY))

down: engine ## remove the stack `lokal`, down to the last process, mount, bridge and route
	@.venv/bin/fab down

setup: ## install what is missing, also what only tests and lint need (nothing, the second time)
	@python3 tools/setup.py development

engine: ## what the tasks need, and `pulumi` in the virtual environment; built once where it can't be downloaded
	@python3 tools/setup.py engine

lock: setup ## pin all dependencies anew, with hashes
	@uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q -o requirements-dev.lock
	@uv pip compile pyproject.toml -c requirements-dev.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q -o requirements.lock
	@uv pip compile app/requirements.in -c requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q -o app/requirements.lock
	@echo uv | uv pip compile - --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header -q -o tools/uv.lock

lint: setup ## format, lint, types
	@$(PYTHON) -m tools.lint

format: setup ## format the code, and mend of the lint what can be mended by itself
	@$(PYTHON) -m ruff check --fix-only --quiet
	@$(PYTHON) -m ruff format

diagram: engine setup ## draw docs/aws-diagram.md anew: what `produksi` has in AWS, by the program itself, without an account
	@$(PYTHON) -m tools.diagram

unit: setup ## the tests that need no root and no engine, with fewer examples (a minute)
	@TEGAK_QUICK=1 $(TESTS) -m "not thorough" -n 3 --dist worksteal tests/unit

test: ## lint and every test, part after part whatever fails; hosts are on lab stacks of their own, beside `lokal`
	@python3 tools/setup.py engine tests
	@failed=; \
	$(TESTS) -n 4 $(BY_FILE) tests/test_lint.py tests/program tests/unit tests/browser || failed="$$failed program-and-unit"; \
	$(TESTS) -m "not night" tests/deploy || failed="$$failed deploy"; \
	[ -z "$$failed" ] || { echo "error: make test: these parts failed:$$failed; each failure is told above" >&2; exit 1; }

test-night: engine setup ## what goes wrong on a night: kills at every step, failing hosts, engineers who meet
	@$(TESTS) -m night tests/deploy

bench-lab: engine setup ## measure provisioning, against the same work without us
	@$(PYTHON) -m tools.bench.lab

bench-deploy: engine setup ## measure deploys on 12 and 24 hosts, against raw ssh, pyinfra and Ansible (15 minutes)
	@$(PYTHON) -m tools.bench.deploy

bench-log: setup ## measure looking at the audit log after a year of publications, against a log of ten lines
	@$(PYTHON) -m tools.bench.log

bench-look: engine setup ## measure status, plan, drift and verify on 7 hosts, status on 26, against logging in
	@$(PYTHON) -m tools.bench.looking

bench-results: setup ## measure how a host answers, against a bare nginx; SOURCE=directory with the two tables
	@$(PYTHON) -m tools.bench.results $(SOURCE)

bench-loader: setup ## measure building a snapshot; SOURCE=directory with the two tables
	@$(PYTHON) -m tools.bench.loader $(SOURCE)

bench-ticks: engine setup ## measure publishing on 4 and 12 hosts; SOURCE=directory with the tables of a count that has ended
	@$(PYTHON) -m tools.bench.ticks $(SOURCE)

bench-bucket: setup ## measure filling the bucket of a stack on AWS; SOURCE=directory with the tables of a count that has ended
	@$(PYTHON) -m tools.bench.bucket $(SOURCE)

bench-archive: setup ## measure the public archive's disk; SOURCE=directory with the tables of a count that has ended
	@$(PYTHON) -m tools.bench.archive $(SOURCE)
