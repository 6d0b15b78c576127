#!/usr/bin/env bash
# make simulate: the admission laws in virtual time; prints one table and writes plots into build/simulation.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHONPATH=tests exec .venv/bin/python -m simulation.main "$@"
