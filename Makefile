.PHONY: repro test check bench chaos fuzz audit clean
.DELETE_ON_ERROR:

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := false
export HF_HUB_OFFLINE := 1
export TRANSFORMERS_OFFLINE := 1
export PYTHONHASHSEED := 0
unexport PYTHONDONTWRITEBYTECODE  # without compiled files each program needs seconds more to start

repro: .venv/ready  ## run the pipeline: only what changed
	dvc repro
	@echo "The report is in reports/index.html"

test: .venv/ready  ## run all tests, on all cores
	pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: .venv/ready  ## style, types and the direction of imports
	ruff check
	ruff format --check
	mypy
	lint-imports

bench: .venv/ready  ## measure, and print each figure beside its bar
	python -m benchmarks

chaos: .venv/ready  ## break runs, and look whether the next ones end well; SEED, ROUNDS, MINUTES, or one ROUND
	python -m benchmarks.chaos $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ROUND),--round $(ROUND))

fuzz: .venv/ready  ## break valid inputs of every reader, ten thousand times, and see that each is read or refused in one line
	python -m benchmarks fuzz

audit: .venv-audit/ready  ## ask whether a pinned package has a known vulnerability; exit code 3 of the program: the database was not reached
	$(PYTHON) -m benchmarks.audit .venv-audit/bin/pip-audit

clean:  ## remove the environments and what the tools cached; results and the work store stay
	rm -rf .venv .venv-audit .venv-serve .fuzz .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt uv
	.venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv-serve/ready: constraints.txt  # vLLM apart from the project: the two want different versions of PyTorch
	$(PYTHON) -m venv .venv-serve
	.venv-serve/bin/python -m pip install --quiet --constraint constraints.txt uv
	.venv-serve/bin/uv pip install --quiet --python .venv-serve/bin/python "$$(grep '^vllm==' constraints.txt)"
	touch $@

.venv-audit/ready: constraints.txt  # apart from the project, which needs none of it
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet "$$(grep '^pip-audit==' constraints.txt)"
	touch $@
