# Every command is `python -m tools NAME`; this file only calls them.
PYTHON ?= python3
COMMANDS = book serve lab pdf slides publish assignments release as-on-colab links test check test-elsewhere execute results rates bands claims bench gpu picture mutants embed laboratory clean

.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) -m tools help

$(COMMANDS):
	@$(PYTHON) -m tools $@ $(ARGUMENTS)
