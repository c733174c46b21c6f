# The project's commands; `make help` prints them from the comments after `##`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$each -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$each && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
COUNT ?= 20000
SEED ?= 1
TESTS ?= tests
export BACKOFFICE_STACK ?= embedded

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url

RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
COMPOSE_PASSWORDS := POSTGRES_PASSWORD OWNER_PASSWORD $(patsubst %,BACKOFFICE_%_PASSWORD,TRANSACTIONS COMPLIANCE REPORTING READONLY)
CODE := $(wildcard audit backoffice bench services shared tests)

.PHONY: help
help: ## Print this list.
	@grep -hE '^[a-z-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  make %-17s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: $(RUN_STAMP) ## Play a simulated trading day from nothing (COUNT=20000 SEED=1).
	@$(BIN)/python -m backoffice demo --count $(COUNT) --seed $(SEED)

.PHONY: up
up: $(RUN_STAMP) ## Start the stack and all services here, until Ctrl-C.
	@$(BIN)/python -m backoffice up

.PHONY: down
down: $(RUN_STAMP) ## Stop what `backoffice up --detach` has started.
	@$(BIN)/python -m backoffice down

.PHONY: compose-up
compose-up: compose-env ## Start everything in containers instead (needs Docker with Compose 2.23.1 or later).
	@docker compose up --build --wait --wait-timeout 180

.PHONY: compose-down
compose-down: ## Stop and remove the containers; their data are kept.
	@docker compose down

.PHONY: compose-env
compose-env: ## Put the passwords and the key that `docker compose` needs into .env, once.
	@umask 077; touch .env; chmod 600 .env; \
	for name in $(COMPOSE_PASSWORDS); do \
		if ! grep -q "^$$name=." .env; then \
			password=$$($(PYTHON) -c 'import secrets; print(secrets.token_hex(24))'); \
			echo "$$name=$$password" >> .env; \
		fi; \
	done; \
	if ! grep -q "^BACKOFFICE_MASTER_KEY=." .env; then \
		key=$$($(PYTHON) -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(64)).decode())'); \
		echo "BACKOFFICE_MASTER_KEY=$$key" >> .env; \
	fi

.PHONY: compose-settings
compose-settings: ## Print where commands find the containers: eval "$(make -s compose-settings)"
	@if [ ! -f .env ]; then echo "There is no .env yet: type \`make compose-up\` first." >&2; exit 1; fi; \
	. ./.env; \
	bootstrap=$$(docker compose port kafka 19092); \
	postgres=$$(docker compose port postgres 5432); \
	health=; \
	for name in transactions compliance reporting; do \
		place=$$(docker compose port $$name 8080); \
		health="$$health,$$name=http://$$place/health/ready"; \
	done; \
	echo "export BACKOFFICE_KAFKA_BOOTSTRAP=$$bootstrap"; \
	echo "export BACKOFFICE_READONLY_DSN=postgresql://backoffice_readonly:$$BACKOFFICE_READONLY_PASSWORD@$$postgres/backoffice"; \
	echo "export BACKOFFICE_PARTITIONS=$${BACKOFFICE_PARTITIONS:-12}"; \
	echo "export BACKOFFICE_HEALTH_URLS=$${health#,}"

.PHONY: doctor
doctor: $(RUN_STAMP) ## Say what this machine lacks.
	@$(BIN)/python -m backoffice doctor

.PHONY: test
test: $(DEV_STAMP) ## Run the tests on real PostgreSQL and Kafka (TESTS=tests/stack, BACKOFFICE_STACK=embedded|containers|external).
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

.PHONY: check
check: format-check lint types imports dependencies spelling docstrings migrations docs-check test ## Run every check, then the tests.

.PHONY: format
format: $(DEV_STAMP) ## Format the code and mend what can be mended.
	@$(BIN)/ruff check --quiet --fix-only $(CODE)
	@$(BIN)/ruff format $(CODE)

.PHONY: campaign
campaign: $(DEV_STAMP) ## Kill everything at every point and audit what is left (SEED=1).
	@$(BIN)/python -m tests.campaign --seed $(SEED)

.PHONY: bench
bench: $(DEV_STAMP) ## Measure speed, latency and memory into bench/results/.
	@$(BIN)/python -m bench

.PHONY: lock
lock: ## Pin the newest versions of everything in requirements/ with their hashes.
	@$(MAKE) $(VENV)/bin/python
	@$(PIP) install --require-hashes -r requirements/lock.txt
	@rm -f requirements/runtime.txt requirements/stack.txt requirements/dev.txt
	@$(COMPILE) requirements/runtime.in -o requirements/runtime.txt
	@$(COMPILE) requirements/stack.in -c requirements/runtime.txt -o requirements/stack.txt
	@$(COMPILE) requirements/dev.in -c requirements/runtime.txt -c requirements/stack.txt -o requirements/dev.txt
	@$(COMPILE) --upgrade requirements/lock.in -o requirements/lock.txt

.PHONY: environment
environment: $(DEV_STAMP) ## Make .venv from the locked requirements.
	@:

.PHONY: clean
clean: ## Remove what was made here: data, environment, caches (not the jars in your cache folder).
	@if [ -x $(BIN)/python ] && [ -f $(RUN_STAMP) ]; then $(BIN)/python -m backoffice down --data .backoffice || true; fi
	@rm -rf .backoffice $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ── the environment ──────────────────────────────────────────────────────────────────────────────

DOWNLOAD_FAILED = { echo; echo "The packages could not be installed. If it was the network: check that this machine reaches"; \
	echo "its Python package index (pip config list; HTTPS_PROXY) and type the same command again."; \
	echo "If a hash did not match, nothing was installed from that file: tell whoever runs the index."; exit 1; } >&2

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or later with venv is needed (on Debian: apt-get install python3 python3-venv)," >&2; \
		echo "or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; fi
	@echo "Making $(VENV) with $$($(PYTHON) --version)" >&2
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(RUN_STAMP): requirements/runtime.txt requirements/stack.txt | $(VENV)/bin/python
	@echo "Installing what the stack needs" >&2
	@$(PIP) install --require-hashes -r requirements/runtime.txt -r requirements/stack.txt || $(DOWNLOAD_FAILED)
	@pwd > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/backoffice.pth"
	@printf '#!/bin/sh\nexec "%s/python" -m backoffice "$$@"\n' "$(abspath $(BIN))" > $(BIN)/backoffice
	@chmod +x $(BIN)/backoffice
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "Installing what the tests and checks need" >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt || $(DOWNLOAD_FAILED)
	@touch $@

# ── the parts of `make check` ────────────────────────────────────────────────────────────────────

.PHONY: format-check lint types imports dependencies spelling docstrings migrations docs-check
format-check: $(DEV_STAMP)
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo "Type \`make format\`." >&2; exit 1; }

lint: $(DEV_STAMP)
	@$(BIN)/ruff check --quiet $(CODE)

types: $(DEV_STAMP)
	@$(BIN)/basedpyright --level error

imports: $(DEV_STAMP)
	@$(BIN)/lint-imports --no-cache

dependencies: $(DEV_STAMP)
	@$(BIN)/deptry .

spelling: $(DEV_STAMP)
	@$(BIN)/typos

docstrings: $(DEV_STAMP)
	@$(BIN)/interrogate --config pyproject.toml tests

migrations: $(DEV_STAMP)
	@files=$$(find services shared -path '*/migrations/*.sql' | sort); \
	if [ -n "$$files" ]; then $(BIN)/squawk $$files; fi

docs-check: $(DEV_STAMP)
	@if [ -f backoffice/cli/docs.py ]; then $(BIN)/python -m backoffice docs --check; fi
