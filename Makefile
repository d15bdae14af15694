# Quill's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run bench bench-peers worker up train evaluate test test-compose chaos audit figures check lint types imports fmt lock setup-local setup-dev

PYTHON ?= python3
PORT ?= 8000
FLOWER_PORT ?= 5555
REDIS_PORT ?= 6379
WORKERS ?= 1
TESTS ?= tests --ignore tests/compose

python := .venv/bin/python

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'Variables: PYTHON=$(PYTHON) PORT=$(PORT) FLOWER_PORT=$(FLOWER_PORT) REDIS_PORT=$(REDIS_PORT) WORKERS=$(WORKERS) TESTS=$(TESTS)'

run: setup-local ## start the whole pipeline on this machine; Ctrl-C stops it
	@$(python) -m compose.local.run --port $(PORT) --flower-port $(FLOWER_PORT) --redis-port $(REDIS_PORT) --workers $(WORKERS)

ifeq (,$(wildcard $(QUILL_SECRETS_DIR)/QUILL_REDIS_URL $(QUILL_SECRETS_DIR)/quill_redis_url))
worker: export QUILL_REDIS_URL ?= redis://127.0.0.1:$(REDIS_PORT)/0
endif
worker: setup-local ## start one more worker beside `make run`
	@$(python) -m worker

up: ## build and start the whole stack in Docker; `docker compose down` stops it
	@docker compose up --build --detach --wait

train: setup-dev ## train the model from MNIST and pen strokes (more: python -m training --help)
	@$(python) -m training

evaluate: setup-dev ## judge the trained models once, at the end, and write their cards
	@$(python) -m training.evaluate

test: setup-dev ## run all tests, or some: make test TESTS=tests/unit
	@$(python) -m tests.services
	@$(python) -m pytest $(TESTS)

test-compose: setup-dev ## build the images and run the stack in Docker: draw, scale, kill, change, stop
	@$(python) -m tests.services
	@$(python) -m pytest --timeout 3600 tests/compose

chaos: setup-dev ## break the real pipeline on both stores, and a naive one, as a seed says; takes an hour
	@$(python) -m tests.services
	@$(python) -m tests.chaos --store sqlite $(CHAOS)
	@$(python) -m tests.chaos --store cassandra $(CHAOS)
	@$(python) -m tests.chaos --store naive --drawings 2000 --scale 0.5

audit: setup-dev ## look for known vulnerabilities in what is locked
	@for lock in web worker; do $(python) -m uv tool run pip-audit --vulnerability-service osv --disable-pip \
	  --require-hashes --requirement requirements/$$lock.txt || exit 1; done

figures: setup-dev ## measure the stack in Docker: sizes, memory, what a drawing costs
	@$(python) -m tests.compose.figures

bench: setup-dev ## measure Quill, the designs it replaces and, where installed, its peers; half an hour
	@$(python) -m tests.services
	@$(python) -m tests.bench
	@$(python) -m tests.bench.studies

bench-peers: setup-dev ## install the peers for `make bench`, in an environment of their own
	@$(python) -m uv venv --quiet --allow-existing --python $(python) var/peers
	@$(python) -m uv pip sync --quiet --require-hashes --python var/peers/bin/python tests/bench/requirements.txt

check: lint types imports test ## lint, types, imports and test: what CI runs, with test-compose

lint: setup-dev ## check format and style
	@$(python) -m ruff format --check
	@$(python) -m ruff check

types: setup-dev ## check types
	@$(python) -m pyright

imports: setup-dev ## check who may import whom
	@.venv/bin/lint-imports --no-logo

fmt: setup-dev ## format, and mend what can be mended
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

compile = $(python) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --custom-compile-command 'make lock' $(UPGRADE)

lock: setup-dev ## write requirements/*.txt anew; UPGRADE=--upgrade takes newer versions
	@$(compile) pyproject.toml --all-extras --output-file requirements/dev.txt
	@$(compile) pyproject.toml --constraints requirements/dev.txt --extra web --output-file requirements/web.txt
	@$(compile) pyproject.toml --constraints requirements/dev.txt --extra worker --output-file requirements/worker.txt
	@$(compile) pyproject.toml --constraints requirements/dev.txt --extra onnx --output-file requirements/onnx.txt
	@$(compile) --constraints requirements/dev.txt --group pyproject.toml:flower --output-file requirements/flower.txt
	@$(compile) pyproject.toml --constraints requirements/dev.txt --extra web --extra worker --extra onnx --extra client --extra local \
	  --output-file requirements/local.txt
	@$(compile) tests/bench/requirements.in --output-file tests/bench/requirements.txt

# A lock is installed when its copy in .venv equals it: a checkout that only touches the file costs nothing.
installed = cmp -s requirements/$(1).txt .venv/$(1).txt
install = { \
  echo 'Installing requirements/$(1).txt into .venv; the first time this takes minutes.' && \
  $(python) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt && \
  cp requirements/$(1).txt .venv/; }

setup-local: .venv/pyvenv.cfg ## install what `make run` needs; dev holds all of it
	@$(call installed,dev) || $(call installed,local) || $(call install,local)

setup-dev: .venv/pyvenv.cfg ## install what tests and training need
	@$(call installed,dev) || $(call install,dev)

.venv/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo '$(PYTHON) is no Python 3.11, 3.12 or 3.13: name one, as in make run PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
	  || { echo '$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv' >&2; exit 1; }
	@$(PYTHON) -m venv .venv
