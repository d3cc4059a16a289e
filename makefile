# `make` lists what there is to do. Every target makes .venv as it needs it, with pip alone,
# and installs again only when a requirements file has changed.

CERT ?= server.crt
KEY ?= server.key
API_PORT ?= 5000
# `pipenv run make` uses pipenv's environment; make cannot work with a name that has a space.
VENV := $(if $(PIPENV_ACTIVE),$(if $(word 2,$(VIRTUAL_ENV)),.venv,$(VIRTUAL_ENV)),.venv)
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
# Makes .venv: the first of these that is found and runs.
PYTHONS := python3.14 python3.13 python3.12 python3.11 python3 python
# With what .env sets, and as the process that make started: what make is told to stop, stops.
START := exec $(PYTHON) bin/with_env $(PYTHON)

.DEFAULT_GOAL := help
.PHONY: help run serve api-start cert model test cluster check bench quality format proto lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.base ## Train the default model if there is none, and answer on PORT (8000)
	@$(START) build_model.py --if-missing
	@$(START) app.py

serve: $(VENV)/.base ## Answer on PORT (8000) with the models that there are
	@$(START) app.py

api-start: $(VENV)/.base ## Answer over TLS on port 5000: make api-start CERT=server.crt KEY=server.key
	@test -r "$(CERT)" && test -r "$(KEY)" || \
	    { echo "$(CERT) and $(KEY) are needed: give CERT and KEY, or run make cert" >&2; exit 1; }
	@$(START) build_model.py --recipe tweets --if-missing
	@PORT=$(API_PORT) WEB_CONCURRENCY=2 \
	    $(START) app.py --certfile "$(CERT)" --keyfile "$(KEY)"

cert: $(VENV)/.base ## Make a self-signed certificate for localhost, and its key
	@$(PYTHON) bin/make_certificate --cert "$(CERT)" --key "$(KEY)"

model: $(VENV)/.base ## Train: make model ARGS="--recipe iris"
	@$(START) build_model.py $(ARGS)

test: $(VENV)/.dev ## Run the tests: make test ARGS="tests/learning -x"
	@$(PYTHON) -m pytest $(ARGS)

cluster: $(VENV)/.dev ## Run the tests that start a Dask cluster
	$(PYTHON) -m pytest -m cluster $(ARGS)

check: $(VENV)/.dev ## Everything that must hold: format, lint, types, arrows, lock, tests
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(BIN)/lint-imports
	$(PYTHON) bin/export_requirements --check
	$(PYTHON) -m pytest $(ARGS)

bench: $(VENV)/.dev ## Measure this service beside others: make bench ARGS="one-row --quick"
	@$(PYTHON) -m benchmarks.compare $(ARGS)

quality: $(VENV)/.dev ## Measure the learner beside other libraries: make quality ARGS="--folds 1"
	@$(PYTHON) -m benchmarks.quality $(ARGS)

format: $(VENV)/.dev ## Format the code, and mend what the linter can
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

proto: $(VENV)/.dev ## Write the message classes of the .proto files
	@for file in serving/grpc/generated/open_inference.proto clients/iris.proto; do \
	    folder=$$(dirname $$file); \
	    $(PYTHON) -m grpc_tools.protoc -I$$folder --python_out=$$folder --pyi_out=$$folder \
	        $$(basename $$file); \
	done
	@# A client's own protobuf is of any age: protoc's check of its version is taken out.
	@sed -i.bak -e '/import runtime_version/d' -e '/^_runtime_version\.Validate/,/^)/d' clients/iris_pb2.py
	@rm clients/iris_pb2.py.bak

lock: $(VENV)/.dev ## Write Pipfile.lock and the requirements files from the Pipfile
	$(PYTHON) -m pipenv lock
	$(PYTHON) bin/export_requirements

clean: ## Remove .venv and what the tools left; models and keys stay
	rm -rf .venv .*_cache .hypothesis catboost_info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are younger than what they were installed from.

$(VENV)/.base: requirements.txt
	@test -x $(PYTHON) || { python=$$(bin/find_python $(PYTHONS)) && "$$python" -m venv $(VENV); }
	$(PYTHON) -m pip install --disable-pip-version-check --quiet -r requirements.txt
	@touch $@

$(VENV)/.dev: $(wildcard requirements-*.txt) $(VENV)/.base
	$(PYTHON) -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	@touch $@
