# Two commands matter: `make run` and `make test`; `make help` has the rest.
# Both need Python 3.11+, its venv module and make.
# With COMPILED=1 what answers queries runs as machine code: see docs/decisions/python.md.
PYTHON ?= python3
VENV := .venv
UV := .venv-boot/bin/uv
BUILD := $(VENV)/.$(if $(COMPILED),compiled,plain) $(VENV)/.bytecode
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# Nothing is compiled at a start, even where Python may not write byte code.
export UV_COMPILE_BYTECODE := 1

.PHONY: help run test test-fast coverage check install lint types imports peers lock clean bench \
	bench-evening bench-silent bench-relay bench-click bench-scale bench-start attack

# Plain `make` says what there is: starting servers is nothing to do unasked.
help:
	@echo "make run            install into .venv and start everything here; ARGS=--lan for the home network"
	@echo "make install        install into .venv only; COMPILED=1: what answers queries as machine code"
	@echo "make test           all tests, after installing what they talk to; ARGS='-k WORD' for some"
	@echo "make test-fast      the tests without servers, sub processes and browser: under a minute"
	@echo "make attack         plays known attacks on the page, on this machine alone"
	@echo "make check          what CI runs: lint, types, imports, test"
	@echo "make coverage       line coverage, as CI reports it"
	@echo "make lint           ruff and deptry"
	@echo "make types          mypy"
	@echo "make imports        who imports whom"
	@echo "make peers          install what the tests talk to: name servers, Redis, a browser"
	@echo "make lock           write requirements/ from pyproject.toml"
	@echo "make bench          the resolver beside dnsdist, unbound, BIND and dnsmasq"
	@echo "make bench-evening  mixed queries at a steady rate"
	@echo "make bench-silent   a zone that times out, and what other households get meanwhile"
	@echo "make bench-relay    the relay beside HAProxy, nginx and sniproxy"
	@echo "make bench-click    from the button to the first steered answer"
	@echo "make bench-scale    a million households"
	@echo "make bench-start    from up to Ready, and what it takes"
	@echo "make clean          remove .venv and what was compiled"

run: install
	@$(VENV)/bin/mediastreamer up $(ARGS)

# More processes than two cores: most of a test's time it waits, for a server or for a time-out that
# it is about. Python may keep what it compiled of the tests, where it otherwise may not write it.
TEST_PROCESSES ?= 7
PYTEST = PYTHONDONTWRITEBYTECODE= $(VENV)/bin/python -m pytest -n $(TEST_PROCESSES) --dist loadfile \
	--no-loadscope-reorder
test: $(VENV)/.tests $(BUILD) peers
	$(PYTEST) --durations=20 --durations-min=1 $(ARGS)

test-fast: $(VENV)/.tests $(BUILD)
	$(PYTEST) -m "not processes" $(ARGS)

# Of this process only: what runs in workers of their own may write no file, and no coverage.
coverage: $(VENV)/.tests $(BUILD)
	$(PYTEST) -m "not processes" --cov --cov-report=term:skip-covered $(ARGS)

check: lint types imports test

install: $(VENV)/.run $(BUILD)

lint: $(VENV)/.tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/deptry .

types: $(VENV)/.tests
	$(VENV)/bin/mypy

imports: $(VENV)/.tests
	$(VENV)/bin/lint-imports

# What the tests talk to and Debian packages: real name servers, clients, a browser.
peers:
	@tests/install_peers

# Ours against dnsdist, unbound, BIND, dnsmasq and a C echo; ARGS=--quick for a short one.
bench: $(VENV)/.tests $(BUILD)
	@bench/install_peers
	$(VENV)/bin/python -m bench.resolver $(ARGS)

# An evening's mixed queries, open loop, up to where each breaks; ARGS=--quick: ours and unbound, 2 min.
bench-evening: $(VENV)/.tests $(BUILD)
	@bench/install_peers
	$(VENV)/bin/python -m bench.evening $(ARGS)

# One household's names that time out, and what another household gets meanwhile.
bench-silent: $(VENV)/.tests $(BUILD)
	@bench/install_peers
	$(VENV)/bin/python -m bench.one_silent_zone $(ARGS)

.venv-boot/.done: requirements/boot.txt
	@echo "mediastreamer: preparing the installation"
	@PYTHON="$(PYTHON)" sh requirements/boot.sh

$(VENV)/.run: .venv-boot/.done requirements/run.txt pyproject.toml
	@echo "mediastreamer: installing the libraries it needs, half a minute"
	@test -x $(VENV)/bin/python || $(UV) -q venv --python "$$(cat .venv-boot/python)" $(VENV)
	@test -e $(VENV)/.tests || $(UV) -q pip sync --python $(VENV) --require-hashes requirements/run.txt
	@$(UV) -q pip install --python $(VENV) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tests: $(VENV)/.run requirements/dev.txt
	@$(UV) -q pip sync --python $(VENV) --require-hashes requirements/dev.txt
	@$(UV) -q pip install --python $(VENV) --no-deps --no-build-isolation --editable .
	@touch $@

# What runs is one or the other; a source that changes afterwards is refused by smartdns/build.py.
COMPILABLE := $(wildcard smartdns/*.py smartdns/*/*.py smartdns/*/*/*.py zones/*.py)
$(VENV)/.compiled: $(VENV)/.run requirements/compile.txt pyproject.toml hatch_build.py $(COMPILABLE)
	@test -e $(VENV)/.tests || $(UV) -q pip install --python $(VENV) --require-hashes \
		-r requirements/compile.txt
	@$(VENV)/bin/python hatch_build.py compile
	@rm -f $(VENV)/.plain
	@touch $@

$(VENV)/.plain: $(VENV)/.run
	@$(VENV)/bin/python hatch_build.py remove
	@rm -f $(VENV)/.compiled
	@touch $@

# Python compares a source's time and size with what was compiled, so an edited one is never mistaken.
SOURCES := $(shell find cli registry smartdns zones -name '*.py' 2>/dev/null)
$(VENV)/.bytecode: $(VENV)/.run $(SOURCES)
	@$(VENV)/bin/python -m compileall -q $(sort $(foreach each,$(SOURCES),$(firstword $(subst /, ,$(each)))))
	@touch $@

# Written by hand-run only: the locks carry hashes and no address of any registry.
COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-annotate -q
lock: .venv-boot/.done
	$(COMPILE) pyproject.toml requirements/build.in --all-extras -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/build.in --all-extras --group test --group check --group bench \
		--group compile -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) --group compile -c requirements/dev.txt -o requirements/compile.txt

# Ours beside HAProxy, nginx, sniproxy and Twisted's own forwarder; results in bench/results/.
bench-relay: $(VENV)/.tests $(BUILD)
	@bench/install_relay_peers
	$(VENV)/bin/python -m bench.relay $(ARGS)

clean:
	rm -rf $(VENV) .venv-boot smartdns/compiled.sha256
	find smartdns zones -name '*.so' -delete

# From `up` to Ready, and what that takes; `--help` and the completion of a word.
bench-start: $(VENV)/.tests $(BUILD)
	$(VENV)/bin/python -m bench.start $(ARGS)

# From pressing the button to the first steered answer, 100 households one after another.
bench-click: $(VENV)/.tests $(BUILD)
	$(VENV)/bin/python -m bench.click_to_answer

# A million households: mirror, registry on both databases, and what a reload costs who asks.
bench-scale: $(VENV)/.tests $(BUILD)
	@bench/install_peers
	$(VENV)/bin/python -m bench.allowlist $(ARGS)
	$(VENV)/bin/python -m bench.reload $(ARGS)

# The attacks of docs/security.md, played on servers of their own, on loopback.
attack: $(VENV)/.tests $(BUILD)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile tests/attacks $(ARGS)
