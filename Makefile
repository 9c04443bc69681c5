# Every target is one command of scripts/doorstep_dev.py, which needs only Python 3.11 or newer.
# ARGS goes on to the command: make test ARGS='-k quiet_hours'

PYTHON ?= python3
DEV = @$(PYTHON) scripts/doorstep_dev.py
ARGS ?=
export PORT SANDBOX_PORT DATABASE_URL DATABASE_OWNER_URL REDIS_URL CHROMIUM_PATH PUBLIC_URL

.DEFAULT_GOAL := help
.PHONY: help run test test-faults check format bench eval install requirements reset zendesk-app

help: ## list these commands
	@$(PYTHON) -c "import re; [print('  make %-13s %s' % m) for m in re.findall(r'^([a-z-]+):.*?## (.*)$$', open('Makefile').read(), re.M)]"

run: ## start everything on this machine and print one address to open
	$(DEV) run

test: ## every kind of test, with real servers and a real browser
	$(DEV) test $(ARGS)

test-faults: ## the fault tests at full size
	$(DEV) test-faults $(ARGS)

check: ## format, lint, types and import directions
	$(DEV) check

format: ## mend layout and the simple lint findings
	$(DEV) format

bench: ## measure against the targets; one measure by ARGS
	$(DEV) bench $(ARGS)

eval: ## how well texts are understood, in rates; ARGS=folder adds everyday texts
	$(DEV) eval $(ARGS)

install: ## make .venv with all that developing needs
	$(DEV) install

requirements: ## compile the requirements files from pyproject.toml
	$(DEV) requirements

zendesk-app: ## the zip for Zendesk's Marketplace; PUBLIC_URL=https://… says where Doorstep is
	$(DEV) zendesk-app

reset: ## forget the data of `make run`
	$(DEV) reset
