#!/usr/bin/env bash
# test.sh all|fast: every check, each with its name and time; stops at the first that fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/setup/common.sh

which=$1
bin=$PWD/.venv/bin
export PATH=$PATH:/usr/sbin:/sbin
began=$SECONDS

step() {
    local name=$1 start=$SECONDS
    shift
    say "$name"
    if ! "$@"; then
        echo "FAILED: $name, after $((SECONDS - began)) s"
        exit 1
    fi
    echo "   $name: ok, $((SECONDS - start)) s"
}

web_check() { (cd client_web && npm run --silent check); }

step "ruff check" "$bin/ruff" check --quiet .
step "ruff format" "$bin/ruff" format --check --quiet .
step "mypy" "$bin/mypy"
step "import-linter" "$bin/lint-imports" --no-cache
step "web client" web_check
case $which in
all) step "pytest" "$bin/pytest" --durations=10 ;;
fast) step "pytest, without browsers" "$bin/pytest" tests/rules tests/unit tests/simulation ;;
*) die "unknown selection $which" ;;
esac
echo "PASSED: all checks and tests, $((SECONDS - began)) s"
