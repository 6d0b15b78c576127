#!/usr/bin/env bash
# make bench: measures this machine's limit, Stentor and Janus, and writes the table into docs/performance.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup/common.sh

export PATH=$PATH:/usr/sbin:/sbin
missing=()
command -v gcc >/dev/null || missing+=(gcc)
command -v ip >/dev/null || missing+=(iproute2)
command -v janus >/dev/null || missing+=(janus)
need_packages "the bench compares with Debian's Janus in a network namespace" "${missing[@]}"

PYTHONPATH=tests exec .venv/bin/python -m bench.main "$@"
