# The two commands: `make demo` (see it work) and `make test` (prove it). Both set themselves up in .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: setup demo test simulation lint translations screenshots lock clean

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; call make with PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup
	$(BIN)/newsletter demo

test: lint
	$(BIN)/pytest -n auto --dist worksteal $(PYTEST_ARGS)

# Months of the schedule with a fast clock; takes minutes, so `make test` leaves it out.
simulation: setup
	$(BIN)/pytest -m simulation

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Puts the words of mails into newsletter/locales/*/LC_MESSAGES/newsletter.po, to be translated there, and compiles them.
# A new language: `.venv/bin/pybabel init -D newsletter -i build/newsletter.pot -d newsletter/locales -l XX`.
translations: setup
	mkdir -p build
	$(BIN)/pybabel -q extract --ignore-dirs '.*' --no-default-keywords -k _ -k say -k many:1,2 --no-location --sort-output --no-wrap \
		--project newsletter \
		-F newsletter/locales/extract.cfg -o build/newsletter.pot .
	$(BIN)/pybabel -q update -D newsletter --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
		-i build/newsletter.pot -d newsletter/locales
	$(BIN)/pybabel -q compile -D newsletter -d newsletter/locales

# Takes the pictures of the README anew: docs/images. Needs Chromium.
screenshots: setup
	$(BIN)/python docs/screenshots.py

# Takes the newest versions that pyproject.toml allows; run the tests before committing what it wrote.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet '.[dev]'
	build/lock/bin/python -m pip freeze --exclude newsletter | LC_ALL=C sort -f > constraints.txt

clean:
	rm -rf $(VENV) build dist demo
