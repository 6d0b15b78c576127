# Sourced by the scripts beside it: how they speak, and how they ask for Debian packages.

say() { printf '== %s\n' "$*"; }

die() {
    printf 'stentor setup: %s\n' "$*" >&2
    exit 1
}

# Installs Debian packages as root; otherwise says the one command that does it, and stops.
need_packages() {
    local why=$1
    shift
    [ "$#" -eq 0 ] && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        die "$why. Run this once: sudo apt-get install -y --no-install-recommends $*"
    fi
    say "$why: installing $* with apt-get"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || say "apt-get update failed; trying with the package lists that are here"
    apt-get install -y -qq --no-install-recommends "$@" || die "apt-get could not install: $*"
}
