#!/bin/sh
# Puts py-peer, what it needs and what its tests need into .venv, on a machine that has Python and nothing else.
#
# uv does the work, which knows the pins in pyproject.toml: the one on PATH where there is one that works, else one
# that pip puts into .venv. Interpreters are never downloaded.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.6 # the release of uv_build in pyproject.toml

# The project's own environment, whatever is active in the shell that called.
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH
UV_PROJECT_ENVIRONMENT=.venv
UV_PYTHON_DOWNLOADS=never
# Where a proxy looks into TLS, the system (or pip) knows its certificate, and uv's own list does not.
SSL_CERT_FILE=${SSL_CERT_FILE:-${PIP_CERT:-}}
UV_SYSTEM_CERTS=true
export UV_PROJECT_ENVIRONMENT UV_PYTHON_DOWNLOADS UV_SYSTEM_CERTS
if [ -n "$SSL_CERT_FILE" ]; then
    export SSL_CERT_FILE
fi

# Prints the path of interpreter $1 if it runs and its version is in the range $2 to $3 (3.N).
interpreter() {
    "$1" -c "
import sys
if not $2 <= sys.version_info[1] <= $3 or sys.version_info[0] != 3:
    sys.exit(1)
# Not an environment (it may be the very one that is made anew here), but what it was made from.
print(getattr(sys, '_base_executable', '') or sys.executable)
" 2>/dev/null
}

# Tested releases first: for newer ones not all packages have wheels, so that a compiler may be needed.
# A name on PATH may be older than it looks, or a version manager's stub that only fails: each is asked.
find_python() {
    for range in "11 13" "14 99"; do
        for name in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14 python; do
            # shellcheck disable=SC2086 # two numbers
            if found=$(interpreter "$name" $range) && [ -n "$found" ]; then
                echo "$found"
                return
            fi
        done
    done
    return 1
}

if ! python=$(find_python); then
    echo "make: no Python 3.11 or newer was found; install one, or name it: make PYTHON=/path/to/python3.12" >&2
    exit 1
fi

if uv=$(command -v uv) && "$uv" --version >/dev/null 2>&1; then
    if "$uv" sync --python "$python"; then
        exit 0
    fi
    echo "The uv on PATH ($uv) could not do it; trying again with uv $UV_VERSION in .venv." >&2
fi

if ! .venv/bin/python -m pip --version >/dev/null 2>&1 || [ -z "$(interpreter .venv/bin/python 11 99)" ]; then
    if ! "$python" -m venv --clear .venv; then
        echo "make: $python cannot make an environment (Debian and Ubuntu: apt install python3-venv)" >&2
        exit 1
    fi
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
exec .venv/bin/python -m uv sync --inexact --python .venv/bin/python
