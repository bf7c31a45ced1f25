# Each line is one command of run.py; `make` itself is not needed. Another Python: make run PY=python3.12
PY ?= python3

.PHONY: run test check format lock clean faults bench

run:
	$(PY) run.py

test:
	$(PY) run.py test

check:
	$(PY) run.py check

# What stands behind the word is handed on: make faults RECIPIENTS=20000 FAULTS=200 SEED=7 DB=postgresql (docs/faults.md)
faults:
	$(PY) run.py faults $(filter-out PY=%,$(MAKEOVERRIDES))

# make bench, make bench ONLY=smtp RECIPIENTS=20000 RUNS=3 SAVE=1 (docs/benchmarks.md)
bench:
	$(PY) run.py bench $(filter-out PY=%,$(MAKEOVERRIDES))

format:
	$(PY) run.py setup dev
	.venv/bin/ruff format --quiet .
	.venv/bin/ruff check --quiet --fix .

# One lock for Python 3.11 to 3.13 and every platform; needs uv (https://docs.astral.sh/uv/).
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
lock:
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-dev.in -c requirements.txt -o requirements-dev.txt
	$(COMPILE) requirements-embedded.in -o requirements-embedded.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
