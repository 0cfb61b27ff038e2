# `make run` opens the editor, `make test` runs the tests. Both make .venv when it is missing or stale.
# PYTHON=python3.12 chooses another interpreter, ARGS='-k sampler' goes to pytest; by itself that runs two files of tests
# at a time, each with one thread of torch.

PYTHON ?= python3
ARGS ?= -n 2 --dist loadfile
BIN := .venv/bin
INSTALLED := .venv/.installed
PLUGINS := plugins/nodegraph-stable-diffusion

# What Qt needs to start and to draw letters, as Debian and Ubuntu name it.
QT_PACKAGES := libglib2.0-0 libgl1 libegl1 libxkbcommon0 libdbus-1-3 libfontconfig1 fonts-dejavu-core
# A display that nobody sees: one test drags a node by the window system itself, and is left out where there is none.
XVFB_PACKAGES := xvfb libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0

.DEFAULT_GOAL := help
.PHONY: help install run test lint types contracts examples gallery screenshots qt xvfb clean FORCE

help:
	@echo 'make run        open the editor with examples/anagram.json; without a display, run that graph'
	@echo 'make test       run all tests'
	@echo 'make lint       ruff'
	@echo 'make types      mypy --strict on the engine and the editor'
	@echo 'make contracts  import-linter: which package may import which'
	@echo 'make examples   run every graph in examples/'
	@echo 'make gallery    the same, and keep the pictures in docs/'
	@echo 'make screenshots take the pictures of the editor in docs/editor'
	@echo 'make clean      remove .venv and caches'

# The editor where there is a display that shows it, else the same graph without one.
WHY_NO_EDITOR := import sys; from nodegraph.cli.editor import why_no_editor; sys.exit(why_no_editor(seen=True) or 0)

run: $(INSTALLED)
	@if [ "$$(uname)" != Linux ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then $(MAKE) --no-print-directory qt || :; fi
	@if why=$$($(BIN)/python -c '$(WHY_NO_EDITOR)' 2>&1); then \
	  echo 'Opening the editor with examples/anagram.json: Ctrl+Enter runs it.'; \
	  $(BIN)/python -m nodegraph edit examples/anagram.json; \
	else \
	  echo "The editor is not opened: $$why"; \
	  echo 'Running examples/anagram.json without it:'; \
	  $(BIN)/python -m nodegraph run examples/anagram.json; \
	fi

test: $(INSTALLED) qt xvfb
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

lint: $(INSTALLED)
	$(BIN)/python -m ruff check .

types: $(INSTALLED)
	$(BIN)/python -m mypy --strict -p nodegraph
	$(BIN)/python -m mypy --strict -p nodegraph_gui

contracts: $(INSTALLED)
	$(BIN)/lint-imports

examples: $(INSTALLED)
	$(BIN)/python .ci/examples.py

gallery: $(INSTALLED)
	$(BIN)/python .ci/examples.py docs

screenshots: $(INSTALLED) qt
	$(BIN)/python .ci/screenshots.py

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# The virtual environment. $(INSTALLED) is written last and holds the folder it was made for, so that an installation
# which was interrupted, or a folder that was moved, starts over; newer requirements are installed on top.
install: $(INSTALLED)

READY := $(shell $(BIN)/python -c pass 2>/dev/null && cat $(INSTALLED) 2>/dev/null)
ifneq ($(READY),$(CURDIR))
$(INSTALLED): FORCE
endif

$(INSTALLED): pyproject.toml constraints.txt $(PLUGINS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Nodegraph needs Python 3.11 or newer, $(PYTHON) is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo 'Installing into .venv: some minutes the first time, torch is large.'
	@if [ "$(READY)" != "$(CURDIR)" ]; then $(PYTHON) -m venv --clear .venv; fi
	@rm -f $(INSTALLED) && echo '$(CURDIR)' > $(INSTALLED).unfinished
	$(BIN)/python -m pip install -c constraints.txt -e '.[all]' $(PLUGINS:%=-e %)
	@mv $(INSTALLED).unfinished $(INSTALLED)

FORCE:

# Qt: whether it starts is tried, not looked up; on Debian and Ubuntu root gets what is missing.
QT_STARTS = { $(BIN)/python -c 'import PySide6.QtWidgets' 2>/dev/null && \
  { [ "$$(uname)" != Linux ] || find /usr/share/fonts "$$HOME/.fonts" "$$HOME/.local/share/fonts" -name '*.[ot]t[cf]' 2>/dev/null | grep -q .; }; }

qt: $(INSTALLED)
	@if ! $(QT_STARTS); then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(QT_PACKAGES); \
	  fi; \
	  $(QT_STARTS) || { \
	    echo 'Qt cannot start here: it needs some libraries of the system and a font. On Debian and Ubuntu:' >&2; \
	    echo '  sudo apt-get install $(QT_PACKAGES)' >&2; \
	    $(BIN)/python -c 'import PySide6.QtWidgets'; exit 1; }; \
	fi

xvfb:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && ! dpkg -s $(XVFB_PACKAGES) >/dev/null 2>&1; then \
	  apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(XVFB_PACKAGES) || :; \
	fi
