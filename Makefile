# Every target sets up what it needs. PYTHON may name another interpreter (3.11 or later).
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
# The Python of the deployed functions.
RUNTIME := 3.13
VENV_RUNTIME := .venv$(subst .,,$(RUNTIME))
READY_RUNTIME := $(VENV_RUNTIME)/.ready
# Every run after the first one reads compiled modules, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=
CDK_READY := node_modules/.ready
LOOP ?= dynamodb
SPEED ?=
STORY ?=
WEATHER ?=
SEED ?=
FULL ?=
COUNT ?= 100000
MINUTES ?=
DEPTH ?= bell

.PHONY: help setup demo drill test check lint types imports unit unit-runtime sandbox e2e soak bench deploy package lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.txt requirements-dev.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Loopbreaker needs Python 3.11 or later, this is " + sys.version.split()[0])'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned Python packages ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

$(CDK_READY): package.json package-lock.json
	@command -v npm >/dev/null || { echo "Loopbreaker's deployment needs Node 20 or later with npm: https://nodejs.org"; exit 1; }
	@echo "installing the pinned CDK command line ..."
	@npm ci --silent --no-audit --no-fund
	@touch $@

setup: $(READY) $(CDK_READY)  ## install everything that is pinned

demo: setup  ## watch a loop being found, stopped, mailed and rolled back (LOOP=dynamodb|sqs|s3|events|chain, SPEED=1, WEATHER=calm, SEED=1, FULL=1); then STORY=permission|logs|traces|slow|denied
	@$(PY) -m sandbox.demo --loop $(LOOP) $(if $(SPEED),--speed $(SPEED)) $(if $(STORY),--story $(STORY)) $(if $(WEATHER),--weather $(WEATHER)) $(if $(SEED),--seed $(SEED)) $(if $(FULL),--full)

lint: $(READY)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

types: $(READY)
	@$(VENV)/bin/mypy app.py hatch_build.py functions stacks cdk_loopbreaker sandbox bench tests

imports: $(READY)
	@$(VENV)/bin/lint-imports --no-cache

# What most changes break: few examples of each property, and nothing that enumerates.
CHECKED := tests/unit tests/contract tests/functional --ignore=tests/unit/bench \
	-m "not thorough" --hypothesis-profile=few

check: lint imports types  ## before each commit: what most changes break, in 90 seconds
	@$(PY) -m pytest -q -n auto $(CHECKED)

unit: $(READY)
	@$(PY) -m pytest -q -n auto -m "not e2e" --ignore=tests/sandbox

# A command python3.13 may be a shim of pyenv for a version that is not active: it must run.
find_runtime = for one in python$(RUNTIME) "$$(pyenv prefix $(RUNTIME) 2>/dev/null)/bin/python"; do \
	"$$one" -c 'import ensurepip, sys, venv; print(sys.executable)' 2>/dev/null && break; done

# That the same code runs there is seen with few examples.
unit-runtime:  ## unit, contract and functional tests under the Python of the deployed functions, if installed
	@found=$$($(find_runtime)); \
	if [ -z "$$found" ]; then echo "skipped: the tests under Python $(RUNTIME), which is not installed"; \
	else $(MAKE) --no-print-directory $(READY_RUNTIME) RUNTIME_PYTHON="$$found" && \
	$(VENV_RUNTIME)/bin/python -m pytest -q -n 2 -p no:cacheprovider $(CHECKED); fi

$(READY_RUNTIME): requirements.txt requirements-dev.txt constraints.txt
	@echo "installing the pinned Python packages for Python $(RUNTIME) ..."
	@test -x $(VENV_RUNTIME)/bin/python || "$(RUNTIME_PYTHON)" -m venv $(VENV_RUNTIME)
	@$(VENV_RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt -c constraints.txt
	@touch $@

# They wait for the sandbox's minutes more than they compute: more of them than there are cores.
# `exec`, so that who stops make stops them.
sandbox: $(READY)
	@exec $(PY) -m pytest -q -n 4 -m "not e2e" tests/sandbox

# They wait too.
e2e: setup
	@exec $(PY) -m pytest -q -m e2e -n 3 --dist loadfile --no-loadscope-reorder tests/e2e

# What waits for the sandbox leaves half of the machine to what computes. Its output follows whole.
WAITING := build/test-sandbox.log
test: setup  ## everything
	@mkdir -p $(dir $(WAITING))
	@echo "the tests of the sandbox run beside the others; what they print comes last (now: $(WAITING))"
	@$(MAKE) --no-print-directory sandbox e2e > $(WAITING) 2>&1 & waiting=$$!; \
	trap 'kill $$waiting' INT TERM; \
	$(MAKE) --no-print-directory lint imports types unit unit-runtime; computed=$$?; \
	wait $$waiting; waited=$$?; \
	cat $(WAITING); exit $$((computed || waited))

soak: $(READY)  ## play 100,000 random schedules of faults, people and overlapping runs (COUNT=100000, MINUTES=10)
	@$(PY) -m tests.simulation --count $(COUNT) $(if $(MINUTES),--minutes $(MINUTES))

bench: $(READY)  ## measure (part: make bench PART=assess|attacks|bundle|contain|sweep|detection|graph|diagnosis)
	@$(PY) -m bench $(PART)

deploy: setup  ## deploy to the AWS account of your credentials (FLAGS="-c email=you@example.com")
	@node_modules/.bin/cdk bootstrap
	@node_modules/.bin/cdk deploy $(FLAGS)

drill: $(READY)  ## prove the deployed guard in the AWS account of your credentials (DEPTH=bell|dry|live)
	@$(PY) -m cdk_loopbreaker drill --depth $(DEPTH)

package: $(READY)  ## build the wheel and the source archive into dist/
	@rm -rf dist
	@$(PY) -m build --no-isolation --outdir dist .

lock: $(READY)
	@{ head -n 1 constraints.txt; $(PY) -m pip freeze | sort -f; } > constraints.new && mv constraints.new constraints.txt

clean:
	@rm -rf build cdk.out dist
