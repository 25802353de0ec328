# shellcheck shell=bash
# Shared by the scripts: finds or installs what they need. Sourced, never run.

KEELFS_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
JDK_MIN=25

# What netty, RocksDB and jnr need to run without a warning.
# shellcheck disable=SC2034  # used by the scripts that source this
JVM_ARGS=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)

say() { printf '%s\n' "$*" >&2; }

die() {
    say "${0##*/}: $*"
    exit 1
}

# ensure_packages COMMAND=PACKAGE...: installs the packages whose command is missing. Where a
# package brings a library instead, COMMAND is its file name (lib*.so*).
ensure_packages() {
    local pair probe libraries missing=()
    libraries="$(PATH="$PATH:/usr/sbin:/sbin" ldconfig -p)"
    for pair in "$@"; do
        probe="${pair%%=*}"
        case "$probe" in
            lib*.so*) [[ "$libraries" == *"$probe"* ]] || missing+=("${pair#*=}") ;;
            *) command -v "$probe" >/dev/null || missing+=("${pair#*=}") ;;
        esac
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        die "missing: ${missing[*]}. Install with: sudo apt-get install ${missing[*]}"
    fi
    say "installing ${missing[*]}"
    local log
    log="$(mktemp)"
    if ! { DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${missing[@]}" ||
        { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q "${missing[@]}"; }; } \
        >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        die "could not install ${missing[*]}; all output is in $log"
    fi
    rm -f "$log"
}

# jdk_version HOME: the feature version of the JDK there, or nothing.
jdk_version() {
    [ -x "$1/bin/javac" ] || return 0
    if [ -r "$1/release" ]; then
        sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release"
    else
        "$1/bin/javac" -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p'
    fi
}

# find_jdk: sets JAVA_HOME to a JDK that is new enough, looked for in JAVA_HOME, PATH, the usual place.
find_jdk() {
    local home version on_path=""
    if command -v javac >/dev/null; then
        on_path="$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")"
    fi
    for home in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/*; do
        [ -n "$home" ] || continue
        version="$(jdk_version "$home")"
        if [ "${version:-0}" -ge "$JDK_MIN" ]; then
            export JAVA_HOME="$home"
            return 0
        fi
    done
    die "needs a JDK $JDK_MIN or newer and found none in JAVA_HOME, PATH or /usr/lib/jvm." \
        "Get one from https://adoptium.net (or apt-get install openjdk-$JDK_MIN-jdk where Debian has it)" \
        "and set JAVA_HOME."
}

# run_maven ARGS...: Maven on that JDK, from the top of the tree.
run_maven() {
    find_jdk
    command -v mvn >/dev/null || ensure_packages mvn=maven
    # Maven's own libraries call what JDK 25 warns about.
    MAVEN_OPTS="${MAVEN_OPTS:-} --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow" \
        mvn -f "$KEELFS_ROOT/pom.xml" "$@"
}
