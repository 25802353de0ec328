package org.keelfs.it.posix;

import org.junit.jupiter.api.Test;

/** Calls for which the kernel asks the daemon in ways of its own answer as on a local directory. */
class LocalCallsTest extends MountTest {
    /** The errno of each refusal is in what the tools say. */
    @Test
    void immutableAndAppendOnlyFilesRefuseWhatTheyRefuseOnALocalDirectory() {
        saysTheSame(
                """
                set +e +o pipefail; trap 'chattr -R -i -a . 2>/dev/null' EXIT
                flags() { lsattr -d "$@" | sed 's/e/-/; s/ .*//' ; }
                try() { { "$@" 2>&1 && echo yes; } | sed 's/.*: //'; }
                echo text >f; echo log >g; mkdir d; touch d/old; ln f f2
                chattr +i f; flags f; chattr +a g; flags g
                try sh -c 'echo x >>f'; try sh -c 'echo x >f'; try truncate -s 1 f; try chmod 600 f; try chown 1 f
                try touch f; try touch -d 2001-01-01 f; try ln f h; try mv f h; try rm -f f; try rm -f f2
                try setfattr -n user.a -v b f; try fallocate -l 10 f; try cat f; try setfacl -m u:5:r f
                try sh -c 'echo more >>g'; try sh -c 'echo x >g'; try truncate -s 1 g; try ln g h; try mv g h
                try rm -f g; try chmod 600 g; try touch g; try touch -d 2001-01-01 g; try cat g
                try dd if=/dev/zero of=g bs=1 count=1 conv=notrunc status=none
                try setfattr -n user.a -v b g; try fallocate -p -o 0 -l 1 g; try fallocate -n -l 9 g; cat g
                chattr +i d; try touch d/new; try rm -f d/old; try mv d/old d/other; try mkdir d/sub; try sh -c 'echo x >d/old'
                try mv d e; try rmdir d; chattr -i d; chattr +a d; try touch d/new; try rm -f d/old; try mv d/old d/other; flags d; chattr -a d
                try setpriv --reuid 1001 --clear-groups chattr -i f; chmod 777 .
                setpriv --reuid 1001 --clear-groups touch mine; try setpriv --reuid 1001 --clear-groups chattr +i mine
                try setpriv --reuid 1001 --clear-groups chattr +d mine; flags mine; try setpriv --reuid 1002 --clear-groups chattr -d mine
                try chattr +A f; chattr -i f; flags f; try rm -f f f2; chattr -a g; try rm -f g
                mkfifo p; try chattr +i p
                exec 5>>open; chattr +i open; try sh -c 'echo x >&5'; chattr -i open; try sh -c 'echo x >&5'; cat open
                """);
    }

    /**
     * Also of a file whose pages the kernel has; only hits in a file that was open before do not
     * count.
     */
    @Test
    void readsChangeAccessTimesByRelatime() {
        saysTheSame(
                """
                at() { stat -c %x "$1"; }
                did() { sleep 0.02; before=$(at $1); "${@:2}" >/dev/null; test "$before" = "$(at $1)" && echo same || echo new; }
                get() { dd if=$1 of=/dev/null bs=4096 status=none iflag=direct,${2:-direct}; }
                order() { test "$(stat -c %x $1)" '>' "$(stat -c %y $1)" && echo after || echo before; }
                head -c 10000 /dev/zero >f; touch -d 2001-01-01 f; did f get f noatime; did f get f; did f get f; order f
                sleep 0.02; echo x >>f; did f get f noatime; did f get f; did f get f; sleep 0.02; chmod 600 f; did f get f; order f
                touch -a -d 2002-02-02 f; at f; did f cat f; touch -d 2003-03-03 f; at f; touch -m -d 2004-04-04 f; at f
                touch -a -d '2040-01-01' f; at f; did f get f; touch -d 1960-01-01 f; at f; did f get f
                sleep 0.02; mkdir d; touch d/a; did d ls d; did d ls d; sleep 0.02; touch d/b; did d ls d; order d
                ln -s target l; did l readlink l; did l readlink l; order l
                touch -d 2001-01-01 f; chattr +A f; did f get f; chattr -A f; did f get f
                sleep 0.02; cp f g; did f true; did f get f; did f cat f; sleep 0.02; echo y >>f; did f cat f; did f cat f
                """);
    }

    @Test
    void removedDirectoriesAndPipesInUseCanStillBeChanged() {
        saysTheSame(
                """
                set +e +o pipefail
                mkfifo -m 644 p; exec 5<>p; rm p; me=/proc/$$/fd/5; chmod 600 $me; stat -L -c '%a %h %F' $me
                chown 5:6 $me; stat -L -c '%a %u %g' $me; touch -d 2001-01-01 $me; stat -L -c '%X %Y' $me; exec 5>&-
                mkdir d; cd d; rmdir ../d; chmod 2700 .; stat -c '%a %h' .; chown 7:8 .; stat -c '%a %u %g' .
                touch -d 2002-02-02 .; stat -c '%X %Y' .; getfattr -d .; getfacl -c . | head -1; ls -a
                for call in 'touch x' 'mkdir y' 'ln -s a b'; do $call 2>&1 | sed 's/.*: //'; done
                """);
    }

    @Test
    void deviceNodesAndSetuidProgramsWork() {
        saysTheSame(
                """
                mknod null c 1 3; echo text >null; cat null; chmod 755 .
                cp /usr/bin/id id; chown 1001:1002 id; chmod 6755 id; ./id -u; ./id -g
                """);
    }
}
