#!/usr/bin/env bash
# The Debian packages that the tests need and `make run` does not.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup/common.sh

# command:package
needed=(
    chromium:chromium
    firefox-esr:firefox-esr
    redis-server:redis-server
    ip:iproute2
    iptables:iptables
    espeak-ng:espeak-ng
    nginx:nginx
    systemd-analyze:systemd
)
PATH=$PATH:/usr/sbin:/sbin
missing=()
for pair in "${needed[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
need_packages "the tests need real browsers, a real Redis, network namespaces, a voice, nginx and systemd-analyze" "${missing[@]}"
