#!/usr/bin/env bash
# The tests of the media thread with the core built for ThreadSanitizer. Needs gcc with libtsan.
#
#   tests/fuzz/native/threads.sh [PYTEST ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r server "$folder/server"
rm -f "$folder"/server/stentor/net/native/*.so
CC="gcc -fsanitize=thread" LDSHARED="gcc -shared -fsanitize=thread" \
  PYTHONPATH="$folder/server" .venv/bin/python "$folder/server/stentor/net/native/build.py" >/dev/null
grep -q __tsan_init "$folder"/server/stentor/net/native/_core*.so
tests=("$@")
[ ${#tests[@]} -gt 0 ] || tests=(tests/unit/net/native/test_media_thread.py tests/unit/net/test_trunk_chain.py)
# Python itself and OpenSSL are not built for it: only what the core does counts.
printf 'called_from_lib:libpython\nrace:^_Py\nrace:^Py\n' >"$folder/suppressions"
LD_PRELOAD=$(gcc -print-file-name=libtsan.so) \
  TSAN_OPTIONS="halt_on_error=0 exitcode=66 suppressions=$folder/suppressions report_bugs=1 log_path=$folder/report" \
  PYTHONPATH="$folder/server" .venv/bin/python -m pytest -q -p no:cacheprovider "${tests[@]}" || status=$?
if compgen -G "$folder/report*" >/dev/null; then
    cat "$folder"/report*
    exit 66
fi
exit "${status:-0}"
