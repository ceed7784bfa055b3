# `make demo` and `make test` start from nothing: they make .venv and install what they need.
#   make demo METHOD=alt EPISODES=5    the simulated arm under the two nodes
#   make test                          everything that CI runs
#   make bench MODELS="lift pusht"     every method of these bundles, for hours, into docs/results.md
#   make test TORCH=torch==2.13.0      with whatever build of torch the package index has
#   make demo PYTHON=python3.12        with this interpreter

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready$(addprefix -,$(ROS_DISTRO))
INSTALLER := setup.py setup.cfg constraints.txt tools/install.sh tools/find_python.sh tools/apt_install.sh
MODELS ?= lift
PYTEST_ARGS ?=
ARGS ?=

# the CPU build, so that tests do not bring gigabytes of CUDA; those that need torch skip without it
export TORCH ?= torch==2.13.0+cpu
export PYTHON
# the processes of a demo or a test talk to each other and to nobody else's robot
export ROS_AUTOMATIC_DISCOVERY_RANGE ?= LOCALHOST
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help demo test test-ros bench check format type venv clean

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

demo: $(READY)-demo
	dp-accel demo $(if $(METHOD),--method $(METHOD)) $(if $(EPISODES),--episodes $(EPISODES)) $(ARGS)

# a bundle that fails leaves the others their turn, and what they gave is written
bench: $(READY)-demo
	for model in $(MODELS); do dp-accel bench --bundle models/$$model $(ARGS) || failed=1; done; \
	PYTHONPATH=. python tools/write_results.py && test -z "$$failed"

test: export OMP_NUM_THREADS ?= 1
test: $(READY)-test
	ruff format --check .
	ruff check .
	pyright
	python -m pytest --durations=10 $(PYTEST_ARGS)

test-ros: export OMP_NUM_THREADS ?= 1
test-ros: $(READY)-test
	python -m pytest -m ros $(PYTEST_ARGS)

check: $(READY)-test
	ruff format --check .
	ruff check .
	pyright
	python tools/style_report.py

format: $(READY)-test
	ruff format .
	ruff check --fix .

type: $(READY)-test
	pyright

venv: $(READY)-test

clean:
	rm -rf $(VENV) build install log .pytest_cache .ruff_cache *.egg-info

$(READY)-demo: $(INSTALLER)
	tools/install.sh demo
	@touch $@

# what the tests need includes what the demo needs
$(READY)-test: $(INSTALLER)
	tools/install.sh test
	@touch $@ $(READY)-demo
