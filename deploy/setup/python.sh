#!/usr/bin/env bash
# python.sh STAMP TARGET: the virtual environment .venv with the pinned packages of TARGET ("." or ".[test]").
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup/common.sh

stamp=$1 target=$2
python=${PYTHON:-python3}

command -v "$python" >/dev/null || need_packages "there is no Python" python3 python3-venv
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or later is needed; set PYTHON=..."

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    # Debian has the module venv without ensurepip, which it needs.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || need_packages "Python cannot make virtual environments" python3-venv
    say "making the virtual environment .venv"
    rm -rf .venv
    "$python" -m venv .venv || die "cannot make the virtual environment"
fi

say "installing Python packages for $target (a minute or so the first time)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e "$target"
touch "$stamp"
