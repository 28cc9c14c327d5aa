# Two commands for users, the rest for developers; README.md says what each runs.
#
#   make chat ARGS="--nick bob -c /ip4/192.0.2.7/tcp/4001/p2p/12D3Koo..."
#   make test

ARGS =
PYTEST_ARGS =
WORKERS = 2
PY = .venv/bin/python
SOURCES := $(shell find py_peer -name '*.py')

.NOTPARALLEL:
.PHONY: chat demo test check format lint types contracts bench figures figure soak sisters packages programs interop pictures schemas man requirements \
	check-requirements clean

chat: .venv/compiled
	@$(PY) -m py_peer $(ARGS)

demo: .venv/compiled
	@$(PY) -m py_peer --demo $(ARGS)

# A file's tests stay together, as they share programs. They drive real programs: a machine that was too busy for one of
# them gets a second try, which the closing line counts.
test: .venv/compiled
	$(PY) -m pytest -raR --reruns 1 -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

# The order is from fast to slow; the tests' closing line comes last.
check: lint types contracts check-requirements test

format: .venv/installed
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lint: .venv/installed
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

types: .venv/installed
	$(PY) -m mypy

contracts: .venv/installed
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'

bench: .venv/compiled
	$(PY) -m benchmarks.bench $(ARGS)

# All tables and the picture of docs/performance.md, measured anew: a quiet machine, and more than half an hour. 1 is a
# figure that could not be measured, which the page says.
figures: .venv/compiled
	$(PY) -m benchmarks.bench --json docs/performance.json $(ARGS) || test $$? -eq 1
	$(PY) -m benchmarks.report
	$(PY) -m benchmarks.classes | $(PY) -m benchmarks.report classes

# Some tables measured anew, and the rest left as it is: make figure FIGURES=keys
figure: .venv/compiled
	$(PY) -m benchmarks.bench --alone --json docs/performance.json --add $(FIGURES) || test $$? -eq 1
	$(PY) -m benchmarks.report

soak: .venv/compiled
	$(PY) -m benchmarks.soak $(ARGS)

# Small peers in other languages (interop/), at pinned versions: those whose tools are here, or LANGUAGES="go rust". One
# that cannot be made is said, and is no reason not to make the others.
sisters:
	@$(MAKE) --no-print-directory --keep-going packages programs

packages:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory interop/js/node_modules/.package-lock.json; \
	else echo "node, browser: not there: npm is not installed" >&2; fi

programs: .venv/compiled
	$(PY) -m interop.builds $(LANGUAGES)

interop/js/node_modules/.package-lock.json: interop/js/package-lock.json
	cd interop/js && npm ci --ignore-scripts --prefer-offline --no-audit --no-fund --fetch-retries=1
	@touch $@

# Each of them with ours, over each transport, either way: the tables of docs/interop.md. What could
# not be made is left out there, and is said to be.
interop: .venv/compiled
	-@$(MAKE) --no-print-directory sisters
	$(PY) -m interop $(ARGS)

# The pictures of the README, from the demo.
pictures: .venv/compiled
	$(PY) -m scripts.pictures

# The man page, from the parser.
man: .venv/installed
	COLUMNS=100 $(PY) -c 'from argparse_manpage.cli import main; main()' --module py_peer.frontends.parser \
		--function make_parser --project-name py-peer --manual-title py-peer --format single-commands-section \
		--description "the Python peer of Universal Connectivity, a chat without a server" \
		--version "$$($(PY) -c 'from py_peer import __version__; print(__version__)')" \
		--include docs/man.txt --output build/py-peer.1

# The schemas of --json, from the events and the table of commands.
schemas: .venv/installed
	$(PY) -m scripts.schemas

# What pip installs, exported from the pins in pyproject.toml.
requirements: .venv/installed
	$(PY) scripts/requirements.py

check-requirements: .venv/installed
	$(PY) scripts/requirements.py --check

clean:
	rm -rf interop/js/node_modules
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find py_peer tests benchmarks interop scripts -name __pycache__ -prune -exec rm -rf {} +

# Done again only when the pins change.
.venv/installed: pyproject.toml scripts/install.sh
	@PYTHON="$(PYTHON)" sh scripts/install.sh
	@touch $@

# Our own modules, too, start from bytecode, where PYTHONDONTWRITEBYTECODE is set as well.
.venv/compiled: .venv/installed $(SOURCES)
	@$(PY) -m compileall -q py_peer
	@touch $@
