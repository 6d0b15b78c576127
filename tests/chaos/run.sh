#!/usr/bin/env bash
# make chaos: real processes in network namespaces, killed, stopped and cut off, with real listeners. Root.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup/common.sh

export PATH=$PATH:/usr/sbin:/sbin
missing=()
command -v ip >/dev/null || missing+=(iproute2)
command -v iptables >/dev/null || missing+=(iptables)
command -v redis-server >/dev/null || command -v valkey-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || missing+=(chromium)
command -v espeak-ng >/dev/null || missing+=(espeak-ng)
need_packages "the chaos suite needs network namespaces, a real Redis and a real browser" "${missing[@]}"

PYTHONPATH=tests exec .venv/bin/python -m chaos.main "$@"
