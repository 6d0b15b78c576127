#!/usr/bin/env bash
# node.sh modules FOLDER: the pinned npm packages of FOLDER.  node.sh build FOLDER: its production build.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup/common.sh

step=$1 folder=$2
command -v node >/dev/null && command -v npm >/dev/null || die "Node 20 or later and npm are needed"
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || die "Node 20 or later is needed"

cd "$folder"
case $step in
modules)
    say "installing npm packages of $folder"
    npm ci --no-audit --no-fund --loglevel=error
    ;;
build)
    say "building $folder"
    npm run --silent build
    ;;
*) die "unknown step $step" ;;
esac
