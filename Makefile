# make demo   install lbic into .venv and run a demonstration
# make test   all tests; make lint: style and types; CI runs both
# make docs   generate docs/cli.md
# make fuzz   decode damaged files and fuzz the parsers, for an hour with BUDGET=3600
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs fuzz clean

demo: .venv/.installed
	$(BIN)/python examples/demo.py

test: .venv/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	! command -v $(BIN)/hadolint || $(BIN)/hadolint Dockerfile

docs: .venv/.dev
	$(BIN)/python -m lbic.cli.docs > docs/cli.md

# Fuzz for BUDGET seconds: half damaged files through the decoders, a quarter each the parsers of
# .lbic files and pictures, guided by coverage (Linux). Files that do harm are kept in fuzz/.
BUDGET ?= 300
fuzz: .venv/.dev
	$(BIN)/python tests/fuzzer.py --seconds $$(( $(BUDGET) / 2 ))
	$(BIN)/pip install --quiet atheris
	$(BIN)/python tests/guided.py files -max_total_time=$$(( $(BUDGET) / 4 ))
	$(BIN)/python tests/guided.py pictures -max_total_time=$$(( $(BUDGET) / 4 ))

.venv/.pip:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade 'pip>=25.1'
	touch $@

.venv/.installed: .venv/.pip pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

# torch is installed first and pinned: an open range would bring gigabytes of CUDA libraries.
.venv/.dev: .venv/.pip pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[heif,jxl,ray,tiff,train]' --group dev
	touch .venv/.installed $@

clean:
	rm -rf .venv demo dist build
