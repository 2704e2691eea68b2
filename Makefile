# PoseAlign. Two commands matter: `make run` and `make test`; each makes what it needs, once.
# A stamp in .venv remembers what is installed, so the second run is quick.

PYTHON ?= python3
# cpu or gpu: which onnxruntime the server gets (they share a module; never both).
ACCEL  ?= cpu
HOST   ?= 127.0.0.1
PORT   ?= 8000
# For a small CPU-only torch: make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
          $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
EXTRAS := $(ACCEL),train,synth,eval,export,camera,parquet,clinical,dicom,minilm,peers,dev
QUIET  := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint format docs bench train-deps mm test-mm venv-wheel clean

help: ## say what there is to make
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.core-$(ACCEL) ## start the service on HOST:PORT (no torch needed)
	@$(BIN)/posealign serve --host $(HOST) --port $(PORT)

test: .venv/.all-$(ACCEL) ## the whole quick suite, with times
	@.ci/test -m "not slow"

# Counting lines more than doubles the time of tests that live in Python, so only the long run does.
test-all: .venv/.all-$(ACCEL) ## the suite with its slow tests, and what of the code it covered
	@.ci/test --cov posealign --cov serving --cov training --cov-report term:skip-covered

lint: .venv/.all-$(ACCEL) ## ruff, mypy --strict, import contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: .venv/.all-$(ACCEL) ## let ruff rewrite what it can
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

docs: .venv/.all-$(ACCEL) ## write the reference pages that the code decides
	@POSEALIGN_WRITE_DOCS=1 $(QUIET) $(BIN)/python -m pytest tests/docs/test_reference.py tests/serving/test_docs.py

bench: .venv/.core-$(ACCEL) ## measure the embedded bundle on this machine
	@$(QUIET) $(BIN)/posealign bench

train-deps: .venv/.all-$(ACCEL) ## torch and everything else that training wants

mm: .venv-mm/.installed ## OpenMMLab's guests (mmpose, mmengine), in .venv-mm

test-mm: .venv-mm/.installed ## the guests' tests
	@start=$$(date +%s); $(QUIET) .venv-mm/bin/python -m pytest tests/mm -p no:cacheprovider && \
	  echo "tests: $$(( $$(date +%s) - start )) s"

clean: ## remove what can be made again, the virtual environment too
	rm -rf .venv .venv-mm build dist *.egg-info .coverage .pytest_cache .mypy_cache .ruff_cache \
	  .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# For images: an environment that holds the wheel and not a link to this tree.
venv-wheel: .venv/bin/python
	$(PIP) '.[$(ACCEL)]'

.venv/bin/python:
	$(PYTHON) -m venv .venv

# What is installed follows pyproject.toml and constraints.txt; the stamps follow them too.
.venv/.core-$(ACCEL): pyproject.toml constraints.txt | .venv/bin/python
	@.ci/debian run
	@start=$$(date +%s); $(BIN)/python -m pip uninstall --quiet --yes \
	  $(if $(filter gpu,$(ACCEL)),onnxruntime,onnxruntime-gpu) 2>/dev/null; \
	$(PIP) -e '.[$(ACCEL)]' && echo "core installed in $$(( $$(date +%s) - start )) s"
	@rm -f .venv/.core-* && touch $@

# torch and torchvision stand in one command with everything that might pull in another build.
.venv/.all-$(ACCEL): pyproject.toml constraints.txt | .venv/bin/python
	@.ci/debian run test
	@start=$$(date +%s); $(BIN)/python -m pip uninstall --quiet --yes \
	  $(if $(filter gpu,$(ACCEL)),onnxruntime,onnxruntime-gpu) 2>/dev/null; \
	$(PIP) torch torchvision -e '.[$(EXTRAS)]' && \
	  echo "everything installed in $$(( $$(date +%s) - start )) s"
	@rm -f .venv/.core-* .venv/.all-* && touch .venv/.core-$(ACCEL) $@

# constraints-mm.txt is the whole environment: nothing is resolved and nothing is compiled.
MM := .venv-mm/bin/python -m pip install --quiet --disable-pip-version-check
.venv-mm/.installed: pyproject.toml constraints-mm.txt
	@.ci/debian run
	@start=$$(date +%s); $(PYTHON) -m venv .venv-mm && \
	$(MM) -c constraints-mm.txt $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) \
	  torch torchvision && \
	$(MM) --no-deps -r constraints-mm.txt && $(MM) --no-deps --no-build-isolation -e . && \
	echo "OpenMMLab's guests installed in $$(( $$(date +%s) - start )) s"
	@touch $@
