#!/bin/sh
# Makes .venv-boot, which holds uv and nothing else, or says in one line why it cannot.
set -eu
python=${PYTHON:-python3}
say() { echo "mediastreamer: $*" >&2; exit 1; }
command -v "$python" >/dev/null 2>&1 ||
    say "'$python' is not here: install Python 3.11 or newer (Debian: apt-get install python3 python3-venv), or name one with PYTHON=…"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    say "$("$python" -V 2>&1) is too old: Python 3.11 or newer is needed; name one with PYTHON=…"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    say "Python's venv module is missing: install it (Debian: apt-get install python3-venv)"
rm -rf .venv-boot
"$python" -m venv .venv-boot || say "the virtual environment .venv-boot could not be made: see above"
.venv-boot/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/boot.txt ||
    say "uv could not be installed: is the package index reachable?"
"$python" -c 'import sys; print(sys.executable)' > .venv-boot/python
touch .venv-boot/.done
