#!/usr/bin/env bash
# Makes what compose.yaml reads and nobody else should: secrets/cluster-secret and .env. What is there, stays.
set -euo pipefail
cd "$(dirname "$0")"
umask 077

random() { head -c "$1" /dev/urandom | base64 | tr -d '\n'; }

mkdir -p secrets
if [ ! -e secrets/cluster-secret ]; then
    random 48 > secrets/cluster-secret
    echo "made secrets/cluster-secret"
fi
# Compose mounts the file with its owner, and the server refuses one that others may read: it has to belong to the
# user in the container.
if [ "$(stat -c %u secrets/cluster-secret)" != 10001 ] && ! chown 10001:10001 secrets/cluster-secret 2>/dev/null; then
    echo "run this once: sudo chown 10001:10001 $PWD/secrets/cluster-secret"
fi
if [ ! -e .env ]; then
    # Hexadecimal: it is part of a URL.
    password=$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')
    cat > .env << END
# Read by compose.yaml. Keep it closed (0600).
REDIS_PASSWORD=$password
# The address listeners reach this machine at; 127.0.0.1 is enough for Chromium on this machine alone.
STENTOR_PUBLIC_IP=127.0.0.1
# Start of every link given out, for example https://live.example.org; empty: what the request came to.
STENTOR_PUBLIC_URL=
END
    echo "made .env: set STENTOR_PUBLIC_IP in it"
fi
