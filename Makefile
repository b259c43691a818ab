# `make` alone lists what can be done.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

install: $(STAMP)  ## Make the venv and install the pinned dependencies

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tearsheet needs Python 3.11 or newer; found `$(PYTHON) --version 2>&1`. Try: make PYTHON=python3.11 run"; exit 1; }
	@command -v c++ >/dev/null || { echo "Tearsheet needs a C++ compiler to build llama-cpp-python (Debian: apt install g++)."; exit 1; }
	@test -x $(BIN)/python || { echo "Making the virtual environment in $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned packages. llama-cpp-python is compiled, which takes about 4 minutes; a dot is 10 seconds."
	@sh -c '( while sleep 10; do printf . >&2; done ) & dots=$$!; trap "kill $$dots 2>/dev/null" EXIT INT TERM; \
	  $(BIN)/python -m pip install --quiet -c constraints.txt torch==2.13.0 -e . mypy ruff pytest pytest-timeout playwright hypothesis'
	@echo " installed."
	@touch $(STAMP)

run: install  ## Load the demonstration articles, answer one question, open the browser
	@$(BIN)/python -m ui.start

test: install  ## Lint, check the types and run every test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest

fix: install  ## Let ruff mend what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

eval: install  ## Ask the hand-written questions and print the scores
	@$(BIN)/python -m evals.run

.PHONY: help install run test fix eval
