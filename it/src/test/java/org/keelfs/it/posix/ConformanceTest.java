package org.keelfs.it.posix;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.keelfs.it.cluster.Shell;

/** System calls answer on the mount what they answer on a local directory. */
class ConformanceTest extends MountTest {
    /** For longer runs: {@code -Dkeelfs.posix.seeds=200 -Dkeelfs.posix.calls=5000}. */
    private static final long SEEDS = Long.getLong("keelfs.posix.seeds", 5);

    private static final long CALLS = Long.getLong("keelfs.posix.calls", 1_500);

    static LongStream seeds() {
        return LongStream.rangeClosed(1, SEEDS);
    }

    /** Random calls of three users; results, errors, attributes and contents are compared. */
    @ParameterizedTest
    @MethodSource("seeds")
    void randomCallsAnswerAsOnALocalDirectory(long seed) {
        onMount("mkdir mount $LOCAL/local");
        run(
                LONG,
                compile("differ").toString(),
                Long.toString(seed),
                Long.toString(CALLS),
                local().resolve("local").toString(),
                mounted().resolve("mount").toString());
    }

    static List<String> checks() {
        return PosixChecks.ALL;
    }

    @ParameterizedTest
    @MethodSource("checks")
    void posix(String check) {
        Path program = compile("checks");
        onMount("mkdir check");
        run(LONG, program.toString(), check, mounted().resolve("check").toString());
    }

    @Test
    void severalProcessesAppendWithoutTearingOrLoss() {
        onMount(
                """
                for p in 1 2 3 4; do
                    (for i in $(seq 200); do printf '%d %04d %050d\\n' $p $i 0; done | cat >>log) &
                    (for i in $(seq 200); do printf '%d %04d %050d\\n' $((p + 4)) $i 0 >>log; done) &
                done
                for job in $(jobs -p); do wait $job; done
                test $(wc -l <log) = 1600
                test $(sort -u log | wc -l) = 1600
                ! grep -v -E '^[1-8] [0-9]{4} 0{50}$' log
                """);
    }

    @Test
    void accessListsWorkAsOnALocalDirectory() {
        saysTheSame(
                """
                umask 027
                mkdir d; echo text >d/f; chmod 755 .; chmod 711 d
                may() { setpriv --reuid $1 --regid $2 --clear-groups "${@:3}" 2>/dev/null && echo yes || echo no; }
                may 1001 1001 cat d/f
                setfacl -m u:1001:r,g:1002:rw d/f; getfacl -c d/f; stat -c %a d/f
                may 1001 1001 cat d/f; may 1001 1001 sh -c 'echo x >>d/f'; may 1005 1002 sh -c 'echo y >>d/f'
                chmod 640 d/f; getfacl -c d/f; may 1005 1002 sh -c 'echo z >>d/f'
                setfacl -m d:u:1001:rwx,d:g::r-x,d:o::- d; mkdir d/sub; echo t >d/sub/g; getfacl -c d d/sub d/sub/g
                cp -a d copy; getfacl -cR copy; cat copy/f
                setfacl -b d/f; setfacl -k d; getfacl -c d d/f; stat -c '%a' d d/f
                setfacl -m u:4000000000:r d/f 2>/dev/null && getfacl -cn d/f
                """);
    }

    @Test
    void otherUsersMayDoWhatModesSay() {
        saysTheSame(
                """
                chmod 755 .
                as() { setpriv --reuid $1 --regid $1 --groups 3000 "${@:2}" 2>&1 | sed 's/.*: //' || true; }
                mkdir -m 1777 sticky; mkdir -m 2775 shared; chgrp 3000 shared
                as 1001 sh -c 'umask 002; echo mine >sticky/f; mkdir shared/d; echo x >shared/d/f; stat -c "%u %g %a" shared/d shared/d/f'
                as 1002 rm -f sticky/f; as 1002 mv sticky/f sticky/g; as 1002 sh -c 'echo more >>shared/d/f; cat shared/d/f'
                as 1002 chmod 777 sticky/f; as 1002 chown 1002 sticky/f; as 1002 touch sticky/f; as 1001 chgrp 3000 sticky/f
                as 1002 touch -d 2001-01-01 sticky/f; chmod 666 sticky/f; as 1002 touch sticky/f; as 1002 touch -d 2001-01-01 sticky/f
                mkdir -m 700 private; echo s >private/s; as 1001 cat private/s; as 1001 ls private
                mkdir -m 711 passage; echo p >passage/p; as 1001 cat passage/p; as 1001 ls passage
                mkdir -m 744 listed; echo q >listed/q; as 1001 sh -c 'ls listed 2>/dev/null | head -1'; as 1001 cat listed/q
                echo '#!/bin/sh' >run; as 1001 ./run; chmod 755 run; as 1001 ./run; chmod 4755 run; chown 1001 run; stat -c %a run
                cp /bin/id suid; chmod 6755 suid; as 1001 sh -c 'echo >>suid'; chmod 6777 suid; as 1001 sh -c 'echo >>suid'; stat -c %a suid
                as 1001 chgrp 3000 sticky/f; as 1001 chgrp 4000 sticky/f; stat -c '%u %g' sticky/f
                as 1001 ln sticky/f sticky/l; as 1002 ln private/s sticky/s; as 1002 mknod sticky/dev c 1 3
                as 1001 rm sticky/f; ls sticky
                """);
    }

    @Test
    void locksHoldBetweenProcesses() {
        saysTheSame(
                """
                touch f
                flock f sh -c 'flock -n f true && echo both || echo one'
                flock -s f sh -c 'flock -n -s f echo shared; flock -n -x f echo never || echo waits'
                flock -n f echo free
                (flock f sh -c 'echo first >>order; sleep 1; echo second >>order') &
                sleep 0.3; flock f sh -c 'echo third >>order'; wait; cat order
                """);
    }

    @Test
    void whatIsInUseOutlivesItsName() {
        saysTheSame(
                """
                mkdir d e; cd d; rmdir ../d; stat -c '%h %F %a' .; ls -a | wc -l; { echo >x; } 2>/dev/null || echo no; cd ..
                exec 7<e; rmdir e; stat -L -c '%h %F' /proc/self/fd/7; exec 7<&-
                mkfifo p; exec 8<>p; rm p; stat -L -c '%h %F' /proc/self/fd/8; echo through >&8; read -r line <&8; echo $line
                echo content >f; ln f g; exec 9<>f; rm f; stat -L -c '%h %s' /proc/self/fd/9; rm g
                stat -L -c '%h %s' /proc/self/fd/9; echo more >>/proc/self/fd/9; cat /proc/self/fd/9
                echo new >n; mv n f; exec 6<f; echo newer >n; mv n f; cat <&6; cat f; ls
                """);
    }

    @Test
    void namesAreBytesUpToTwoHundredFiftyFive() {
        saysTheSame(
                """
                long=$(printf 'n%.0s' $(seq 255)); echo long >$long; cat $long
                { echo x >n$long; } 2>/dev/null && echo no || echo too long
                echo 1 >'ä ö ü ß 漢字 🙂'; echo 2 >$'\\xff\\xfe\\x80'; echo 3 >$'line\\nend'; echo 4 >'-dash'; echo 5 >' '
                utf=$(printf 'ä%.0s' $(seq 127)); echo 6 >$utf; mv $utf ${utf}x; cat ${utf}x
                { mv ${utf}x ${utf}ä; } 2>/dev/null && echo no || echo too long
                LC_ALL=C ls -b | sort; cat -- *
                mkdir -p $(printf 'deep/%.0s' $(seq 100)); echo bottom >$(printf 'deep/%.0s' $(seq 100))file
                find deep -type f -exec cat {} +; mv deep shallow; find shallow -name file | wc -c; rm -rf shallow; ls | wc -l
                """);
    }

    @Test
    void aDirectoryChangesWhileItIsRead() {
        onMount(
                """
                mkdir d; for i in $(seq 3000); do echo d/f$i; done | xargs touch
                find d -name 'f*' -print0 | xargs -0 -n 100 rm & find d -name 'f*5' >/dev/null
                for i in $(seq 200); do echo > d/new$i; done; wait
                test $(ls d | wc -l) = 200; rm -rf d; ! test -e d
                """);
    }

    @Test
    void theFileSystemTellsItsSize() {
        onMount(
                """
                test "$(stat -f -c '%T %l' .)" = 'fuseblk 255' || test "$(stat -f -c '%l' .)" = 255
                test $(stat -f -c %a .) -gt 0; test $(stat -f -c %b .) -ge $(stat -f -c %f .)
                test $(stat -c %o .) -ge 4096; df . >/dev/null; df -i . >/dev/null
                head -c 1000000 /dev/zero | tr '\\0' x >f; sync f; sync -f f; sync; test $(stat -c %b f) -ge 1950
                """);
    }

    /** All nodes stand still: who waits for them can be killed, and goes on when they do. */
    @Test
    void aProcessThatWaitsForNodesCanBeKilled() {
        var nodes = List.of("node1", "node2", "node3");
        nodes.forEach(cluster()::pause);
        Shell.Result killed;
        try {
            killed =
                    Shell.bash(
                            local(),
                            java.util.Map.of("MOUNTED", mounted().toString()),
                            """
                            dd if=/dev/zero of="$MOUNTED/stuck" bs=4k count=8 conv=fsync status=none &
                            pid=$!
                            sleep 2
                            kill -0 $pid
                            kill -9 $pid
                            for i in $(seq 100); do
                                kill -0 $pid 2>/dev/null || { echo gone; exit 0; }
                                case "$(cut -d ' ' -f 3 /proc/$pid/stat)" in Z) echo gone; exit 0 ;; esac
                                sleep 0.1
                            done
                            exit 1
                            """,
                            SOON);
        } finally {
            nodes.forEach(cluster()::resume);
        }
        killed.orThrow();
        onMount("echo more >after; sync after; cat after stuck | wc -c");
    }
}
