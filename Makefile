# `make` alone lists what can be done.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s%s\n", $$1, $$2 }' Makefile

install: $(STAMP)  ## Make the virtual environment and install the pinned packages

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || \
	  { echo "Tearsheet needs Python 3.11 or newer; there is no $(PYTHON). Install one (Debian: apt install python3 python3-venv)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Tearsheet needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name a newer one: make PYTHON=python3.11 run" >&2; exit 1; }
	@command -v cc >/dev/null && command -v c++ >/dev/null || \
	  { echo "Tearsheet needs a C and a C++ compiler, to build llama-cpp-python (Debian: apt install g++; macOS: xcode-select --install)." >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || \
	  { echo "Making the virtual environment in $(VENV)."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing about 180 pinned packages. One of them, llama-cpp-python, is compiled: about 4 minutes on 2 cores."
	@echo "All is well while dots appear, one for each 10 seconds."
	@( while sleep 10 >/dev/null 2>&1; do printf . >&2; done ) & dots=$$!; trap "kill $$dots 2>/dev/null" EXIT INT TERM; \
	  $(BIN)/python -m pip install --quiet -c constraints.txt -e . $$($(BIN)/python -c \
	  'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["dev"])')
	@echo " Installed."
	@touch $(STAMP)

run: install  ## Load the demonstration articles, answer one question, open the page in the browser
	@$(BIN)/python -m ui.start

test: install  ## Lint, check the types and run every test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

fix: install  ## Let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

eval: install  ## Ask the hand-written questions and print the scores
	@$(BIN)/tearsheet eval run --readme evals/README.md --html evals/runs/report.html

baseline: install  ## Ask every hand-written question, make the run the baseline (BECAUSE="why worse cases are accepted")
	@$(BIN)/tearsheet eval run --held --tier write --accept --because "$(BECAUSE)" --readme evals/README.md --html evals/runs/report.html

.PHONY: help install run test fix eval baseline
