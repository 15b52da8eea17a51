# Each target takes a bare machine (Python 3.11, a C compiler) to its result, in a virtual environment of its own.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin
TORCH := torch==2.13.0
# More than most machines have cores: tests of the bridge wait for servers most of their time.
WORKERS ?= 4

PACKAGE := $(shell find src physics envs agents hardware_bridge scripts -not -name __pycache__ -not -name '*.py[co]' -not -name '*.nb[ic]')
DEPENDENCIES := $(VENV)/.dependencies
TOOLS := $(VENV)/.tools
BRIDGE := $(VENV)/.bridge
SITE := $(VENV)/.site
INSTALLED := $(VENV)/.installed

.PHONY: demo demo-hardware test test-all docs release browser lint speed clients develop clean

demo: $(INSTALLED)
	$(RUN)/beamgym demo

# A simulated instrument behind EPICS, and the shipped policy aligning its crystal over Channel Access.
demo-hardware: $(INSTALLED) $(BRIDGE)
	$(RUN)/python -m beamgym.scripts.deploying.demo_hardware

test: $(INSTALLED) $(TOOLS)
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=40 --durations-min=4

# Slow tests and peers as well, and hypothesis searches at random: `make test-all SEED=…` repeats the search of a run.
test-all: $(INSTALLED) $(TOOLS)
	$(RUN)/pip install -c constraints.txt --no-deps laue-torch aurelia
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "" --hypothesis-profile=random $(SEED:%=--hypothesis-seed=%)

# The site of docs/, in site/; a warning is an error, and nothing is fetched, neither here nor by who reads it.
docs: $(INSTALLED) $(SITE)
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --strict --quiet

# Wheel and sdist, checked, and the wheel tried in an environment of its own.
release: $(INSTALLED)
	$(RUN)/python .ci/requirements.py release | $(RUN)/pip install -c constraints.txt -r /dev/stdin
	rm -rf dist .venv-release
	$(RUN)/python -m build --outdir dist .
	$(RUN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv .venv-release
	.venv-release/bin/pip install -c constraints.txt $(TORCH)
	.venv-release/bin/pip install -c constraints.txt dist/*.whl
	cd dist && ../.venv-release/bin/beamgym envs && ../.venv-release/bin/python -c \
		"import gymnasium, beamgym; print(beamgym.__version__, gymnasium.make('beamgym/LaueAlign-v1').reset(seed=1)[1].keys())"

# What the operator's page is tested in; its tests are skipped where there is none.
browser:
	command -v chromium chromedriver || apt-get install --yes --no-install-recommends chromium chromium-driver

lint: $(INSTALLED) $(TOOLS)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy -p beamgym
	$(RUN)/lint-imports

# Ratios to peers and yardstick go to the history; fails where one has fallen by more than a third. No test times anything.
speed: $(INSTALLED) $(BRIDGE)
	$(RUN)/pip install -c constraints.txt --no-deps laue-torch aurelia
	$(RUN)/beamgym speed --history docs/speed_history.jsonl

# The libraries of docs/libraries.md, each in an environment of its own beside this one, with the programs of the page.
clients: $(INSTALLED) $(TOOLS)
	$(RUN)/python .ci/clients.py $(CLIENT)

# For those who edit: the package is the tree itself. `make test` goes back to a regular install.
develop: $(TOOLS)
	$(RUN)/pip install --no-deps --no-build-isolation --editable .
	rm -f $(INSTALLED)

clean:
	rm -rf $(VENV) .venv-clients .venv-release build site

# torch comes first, so that a CPU build is taken where there is one.
$(DEPENDENCIES): constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "beamgym needs Python 3.11: make PYTHON=...")'
	test -x $(RUN)/python || $(PYTHON) -m venv $(VENV)
	$(RUN)/pip install -c constraints.txt setuptools wheel
	$(RUN)/pip install -c constraints.txt $(TORCH)
	$(RUN)/python .ci/requirements.py | $(RUN)/pip install -c constraints.txt -r /dev/stdin
	touch $@

$(TOOLS): $(DEPENDENCIES)
	$(RUN)/python .ci/requirements.py test browser lint contrib mosaic hardware epics ophyd ioc tango pva visa | $(RUN)/pip install -c constraints.txt -r /dev/stdin
	touch $@

$(BRIDGE): $(DEPENDENCIES)
	$(RUN)/python .ci/requirements.py hardware epics ioc | $(RUN)/pip install -c constraints.txt -r /dev/stdin
	touch $@

$(SITE): $(DEPENDENCIES)
	$(RUN)/python .ci/requirements.py docs | $(RUN)/pip install -c constraints.txt -r /dev/stdin
	touch $@

# A regular install: what mypy -p needs, and what a user has. The package alone, so that it takes seconds.
$(INSTALLED): $(DEPENDENCIES) $(PACKAGE) setup.py README.md
	rm -rf build
	$(RUN)/pip install --no-deps --no-build-isolation --force-reinstall --quiet .
	touch $@
