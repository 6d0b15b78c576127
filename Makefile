# make run    set everything up, serve, create a first event, print its links
# make test   set everything up, install what the tests need, check and test everything
# make setup  the part they share; afterwards the commands are .venv/bin/stentor and .venv/bin/stentor-loadtest

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
EVENT ?= My first event
ARGS ?=

RUNTIME := .venv/.stentor-runtime
TESTING := .venv/.stentor-testing
WEB_MODULES := client_web/node_modules/.stentor-modules
WEB_BUILT := client_web/node_modules/.stentor-built
E2E_MODULES := tests/e2e/node/node_modules/.stentor-modules
WEB_SOURCES := $(shell find client_web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path '*/tests/*')

NATIVE_SOURCES := $(wildcard server/stentor/net/native/stn_*.[ch] loadtest/stentor_loadtest/swarm/*.[ch]) \
	server/stentor/net/native/build.py loadtest/stentor_loadtest/swarm/build.py

.PHONY: help setup run test test-fast test-setup bench chaos simulate docs clean

help:
	@sed -n 's/^# make/make/p' Makefile
	@echo "make test-fast  the checks and the tests that need no browser"
	@echo "make bench      measure this machine, Stentor and Janus into docs/performance.md (root; half an hour)"
	@echo "make chaos      kill, stop, slow and lose parts of a real cluster, and tabulate what was heard (root; 15 minutes)"
	@echo "make simulate   the laws of admission in virtual time: a table and plots in build/simulation"
	@echo "make docs       print docs/configuration.md anew"
	@echo "make clean      take away everything that make setup made"

setup: $(RUNTIME) $(WEB_BUILT)

run: setup
	@exec .venv/bin/stentor serve --first-event "$(EVENT)" $(ARGS)

test: test-setup
	@deploy/setup/test.sh all

test-fast: $(TESTING) $(WEB_BUILT)
	@deploy/setup/test.sh fast

test-setup: setup $(TESTING) $(if $(wildcard tests/e2e/node/package-lock.json),$(E2E_MODULES))
	@deploy/setup/system.sh

bench: setup $(TESTING)
	@tests/bench/run.sh $(ARGS)

chaos: setup $(TESTING)
	@tests/chaos/run.sh $(ARGS)

simulate: setup $(TESTING)
	@tests/simulation/run.sh $(ARGS)

docs: $(RUNTIME)
	@.venv/bin/stentor config > docs/configuration.md

clean:
	rm -rf .venv client_web/node_modules client_web/dist tests/e2e/node/node_modules

# The files below are stamps: made when a step is done, so that it runs again only when what it reads has changed.
$(RUNTIME): pyproject.toml setup.py requirements.lock $(NATIVE_SOURCES)
	@PYTHON="$(PYTHON)" deploy/setup/python.sh "$@" .

$(TESTING): $(RUNTIME)
	@PYTHON="$(PYTHON)" deploy/setup/python.sh "$@" '.[test]'

$(WEB_MODULES): client_web/package-lock.json
	@deploy/setup/node.sh modules client_web
	@touch "$@"

$(WEB_BUILT): $(WEB_MODULES) $(WEB_SOURCES) $(if $(wildcard client_web/dist/listen.html),,missing-web-client)
	@deploy/setup/node.sh build client_web
	@touch "$@"

$(E2E_MODULES): tests/e2e/node/package-lock.json
	@deploy/setup/node.sh modules tests/e2e/node
	@touch "$@"

.PHONY: missing-web-client
missing-web-client:
