# shellcheck shell=bash
# Shared by the scripts: finds or installs what they need. Sourced, never run.

KEELFS_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
JDK_MIN=25

# What netty, RocksDB and jnr need to run without a warning.
# shellcheck disable=SC2034  # used by the scripts that source this
JVM_ARGS=(--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow)

KEELFS_LIB="$KEELFS_ROOT/target/dist/lib"
KEELFS_MAIN=org.keelfs.cli.Keelfs

# Caches that scripts/train made for the JVMs of this build; tests keep their own elsewhere.
KEELFS_AOT="${KEELFS_AOT_DIR:-$KEELFS_ROOT/target/aot}"

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

# ensure_postgresql: the server's programs, without the database that Debian's package makes and starts.
ensure_postgresql() {
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return 0
    ensure_packages pg_createcluster=postgresql-common
    if [ "$(id -u)" -eq 0 ]; then
        sed -i 's/^#*create_main_cluster *=.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
    fi
    ensure_packages /usr/lib/postgresql/bin/postgres=postgresql
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

# is_built: whether the distribution is there and no source is newer. Tests name their own classes in
# KEELFS_CLASSPATH instead.
is_built() {
    [ -z "${KEELFS_CLASSPATH:-}" ] || return 0
    local newest=("$KEELFS_LIB"/keelfs-fuse-client-*.jar)
    [ -e "${newest[0]}" ] && [ -z "$(cd "$KEELFS_ROOT" &&
        find pom.xml {common,storage-node,metadata-server,fuse-client}/{pom.xml,src/main} -newer "${newest[0]}" -print -quit)" ]
}

# ensure_built: builds the distribution when it is missing or old; one at a time, as two would take each other's files.
ensure_built() {
    is_built && return 0
    mkdir -p "$KEELFS_ROOT/target"
    (
        flock 9
        is_built && exit 0
        say "building Keelfs (the first time this takes a minute or two)"
        run_maven -q -Dquick -DskipTests -pl fuse-client,storage-node,metadata-server -am package >&2 ||
            die "the build failed; scripts/mvn package shows it whole"
    ) 9>"$KEELFS_ROOT/target/build.lock" || exit
}

# classpath: what the JVMs of Keelfs run from.
classpath() { printf '%s' "${KEELFS_CLASSPATH:-$KEELFS_LIB/*}"; }

# training_due: whether scripts/train has yet to be run for this build and JDK. KEELFS_TRAIN=off says no.
training_due() {
    [ "$(classpath)" = "$KEELFS_LIB/*" ] && [ "${KEELFS_TRAIN:-on}" != off ] && [ -z "${KEELFS_AOT_TRAIN:-}" ] || return 1
    if [ "$(cat "$KEELFS_AOT/tried" 2>/dev/null || true)" = "$(jdk_identity)" ] &&
        [ -z "$(find "$KEELFS_LIB" -newer "$KEELFS_AOT/tried" -print -quit)" ]; then
        return 1
    fi
    mkdir -p "$KEELFS_AOT" 2>/dev/null && [ -w "$KEELFS_AOT" ]
}

# is_training PID: whether that process is a scripts/train of this tree.
is_training() {
    [[ "${1:-}" =~ ^[0-9]+$ ]] && [ -r "/proc/$1/cmdline" ] || return 1
    local arg
    while IFS= read -r -d '' arg; do
        [ "$arg" != "$KEELFS_ROOT/scripts/train" ] || return 0
    done 2>/dev/null <"/proc/$1/cmdline"
    return 1
}

# clear_training: ends what a training started, however it came to its end, and takes its files away. All its
# processes have in their environment whose they are; nothing of it is worth saving.
clear_training() {
    local work="$KEELFS_AOT/work" point="$KEELFS_AOT/work/run/mnt" i file pid left
    [ -e "$work" ] || return 0
    for ((i = 0; i < 50; i++)); do
        left=""
        while IFS= read -r file; do
            pid="${file//[!0-9]/}"
            left="$left $pid"
            kill -KILL "$pid" 2>/dev/null || true
        done < <(grep -lszxF "KEELFS_AOT_TRAIN=$work" /proc/[0-9]*/environ)
        if mount_type "$point" >/dev/null; then unmount_lazily "$point" || true; fi
        [ -n "$left" ] || break
        sleep 0.1
    done
    rm -rf --one-file-system -- "$work"
}

# What a cache is bound to besides the jars: the JDK, and where the jars are.
jdk_identity() { printf '%s %s %s' "$KEELFS_LIB" "$JAVA_HOME" "$(stat -c %Y "$JAVA_HOME/lib/modules" 2>/dev/null || true)"; }

# jvm_flags PART: sets JVM_FLAGS for a daemon, pki or the other commands (cli). Small fixed heaps; file contents
# live outside of them, in direct memory and in RocksDB. KEELFS_JVM_FLAGS, of words without spaces, come last.
jvm_flags() {
    local more
    read -ra more <<<"${KEELFS_JVM_FLAGS:-}"
    JVM_FLAGS=("${JVM_ARGS[@]}" -XX:+UseSerialGC -XX:-UsePerfData -XX:+ExitOnOutOfMemoryError
        -XX:ReservedCodeCacheSize=64m -Dio.netty.leakDetection.level=disabled)
    case "$1" in
        # Its time goes to the kernel, TLS and checksums, none of which C2 would compile (docs/decisions/0060).
        storage-node) JVM_FLAGS+=(-Xms96m -Xmx96m -XX:MaxDirectMemorySize=256m -XX:TieredStopAtLevel=1) ;;
        metadata-server) JVM_FLAGS+=(-Xms160m -Xmx160m -XX:MaxDirectMemorySize=128m) ;;
        # Some 60 MiB, and 1 kB for each inode under a lease (inodes-max).
        mount) JVM_FLAGS+=(-Xms384m -Xmx384m -XX:MaxDirectMemorySize=1g) ;;
        files) JVM_FLAGS+=(-Xmx256m -XX:MaxDirectMemorySize=512m -Dkeelfs.log.level=OFF) ;;
        *) JVM_FLAGS+=(-Xmx128m -XX:TieredStopAtLevel=1 -Dkeelfs.log.level=OFF) ;;
    esac
    JVM_FLAGS+=("${more[@]}")
}

# is_process PID ARG: whether that process is one of ours that was started with this argument. A
# process id in a file may belong to a stranger by now.
is_process() {
    [[ "${1:-}" =~ ^[0-9]+$ ]] && [ -r "/proc/$1/cmdline" ] || return 1
    local arg found_main="" found_arg=""
    while IFS= read -r -d '' arg; do
        case "$arg" in
            "$KEELFS_MAIN" | "$KEELFS_ROOT/scripts/keelfs") found_main=1 ;;
            "$2") found_arg=1 ;;
        esac
    done 2>/dev/null <"/proc/$1/cmdline" || return 1
    [ -n "$found_main" ] && [ -n "$found_arg" ]
}

# part_pid DIR NAME: the process id of a part that runs; fails when it does not.
part_pid() {
    local pid=""
    { read -r pid <"$1/pid/$2.pid"; } 2>/dev/null || true
    is_process "$pid" "$1/conf/$2.yaml" || return 1
    printf '%s' "$pid"
}

# setting FILE KEY: the value of one setting of a configuration file, without quotes; nothing when
# there is none.
setting() {
    [ ! -r "$1" ] || sed -n "s/^$2: *\"\{0,1\}\([^\"]*\)\"\{0,1\} *$/\1/p" "$1" | tail -n 1
}

# mount_type PATH: the type of what is mounted there now; fails when nothing is. Never touches the
# path: one whose process hangs would hang this script.
mount_type() {
    local path="${1//\\/\\134}"
    path="${path// /\\040}"
    P="$path" awk '
        $5 == ENVIRON["P"] { for (i = 7; i < NF; i++) if ($i == "-") type = $(i + 1) }
        END { if (type == "") exit 1; print type }' /proc/self/mountinfo
}

# abort_connection PATH: ends the connection of a mount whose process is gone. A thread of that
# process may wait in the kernel for a page that only this connection's next answer would unlock;
# until then the process is not quite gone, and keeps its locks.
abort_connection() {
    local path="${1//\\/\\134}" minor
    path="${path// /\\040}"
    minor="$(P="$path" awk '$5 == ENVIRON["P"] { split($3, device, ":"); minor = device[2] } END { print minor }' \
        /proc/self/mountinfo)"
    [ -e "/sys/fs/fuse/connections/$minor" ] ||
        mount -t fusectl none /sys/fs/fuse/connections 2>/dev/null || true
    [ -z "$minor" ] || { echo 1 >"/sys/fs/fuse/connections/$minor/abort"; } 2>/dev/null || true
}

# unmount_lazily PATH: takes away a mount whose process is gone.
unmount_lazily() {
    local i
    abort_connection "$1"
    for ((i = 0; i < 10; i++)); do
        mount_type "$1" >/dev/null || return 0
        if [ "$(id -u)" -eq 0 ]; then
            timeout 10 umount -l "$1" 2>/dev/null || true
        else
            timeout 10 fusermount3 -u -z -- "$1" 2>/dev/null || true
        fi
    done
    ! mount_type "$1" >/dev/null
}

# names_of DIR KIND: the parts of a kind that DIR has configurations of, in order.
names_of() {
    local file
    for file in "$1/conf/$2"[0-9]*.yaml; do
        [ -e "$file" ] && basename "$file" .yaml
    done | sort -V
}

# absolute DIR: the directory's path without links; makes it if need be.
absolute() {
    mkdir -p -- "$1" || die "cannot make the directory $1"
    (cd -- "$1" && pwd -P)
}

# lock_dir DIR: one up or down at a time; held until this script ends.
lock_dir() {
    exec 9>"$1/.lock"
    flock -w 120 9 || die "another up or down is at work in $1"
}
