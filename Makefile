# Needs Python 3.11, git and make; everything else comes from the package registries into .venv.
PYTHON ?= python3.11
UV_VERSION := 0.13.9
HOSPITAL ?= reference
PATIENTS ?= 10000

BIN := .venv/bin
INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements.txt --editable
LOCK := requirements.txt pyproject.toml

export DO_NOT_TRACK := 1
unexport PYTHONDONTWRITEBYTECODE  # Airflow starts many processes; without compiled modules each needs seconds more

.PHONY: demo up down clean test lint lock

demo: .venv/.core  ## Load a hospital and take it to published gold through Airflow
	@$(BIN)/wardlake demo --hospital $(HOSPITAL) --patients $(PATIENTS)

up: .venv/.core  ## Start PostgreSQL, the S3 server and Airflow, and leave them running
	@$(BIN)/wardlake up

down: .venv/.core  ## Stop every process that was started
	@$(BIN)/wardlake down

clean: .venv/.core  ## Stop, then forget all state
	@$(BIN)/wardlake clean --yes

lint: .venv/.dev  ## Style, types and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 2 --quiet --disable-progress-bar dbt_project/models

test: lint  ## Lint, then all tests
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(TESTS)

lock: .venv/.core  ## Pin what pyproject.toml asks for
	$(BIN)/uv pip compile --quiet --python-version 3.11.0 --all-extras --no-header --upgrade \
		--output-file requirements.txt pyproject.toml

$(BIN)/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv==$(UV_VERSION)

.venv/.core: $(BIN)/uv $(LOCK)
	$(INSTALL) .
	@touch $@

.venv/.dev: $(BIN)/uv $(LOCK)
	$(INSTALL) '.[dev]'
	@touch .venv/.core $@
