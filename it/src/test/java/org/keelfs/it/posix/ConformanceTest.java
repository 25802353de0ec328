package org.keelfs.it.posix;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
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

    static List<String> checksForEverybody() {
        List<String> ofRoot = List.of("attributes", "special", "setuid_bits");
        return PosixChecks.ALL.stream().filter(check -> !ofRoot.contains(check)).toList();
    }

    @ParameterizedTest
    @MethodSource("checksForEverybody")
    void posixAsAnOrdinaryUser(String check) {
        Path program = compile("checks");
        onMount(
                """
                cp '%s' .; chmod 755 . checks; install -d -o 1001 -g 1001 check
                setpriv --reuid 1001 --regid 1001 --clear-groups ./checks %s check
                """
                        .formatted(program, check),
                LONG);
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

    /** Rights beyond the user's: neither the kernel alone nor the server alone decides. */
    @Test
    void capabilitiesOfOrdinaryUsersCount() {
        saysTheSame(
                """
                set +e +o pipefail; chmod 755 .
                with() { setpriv --reuid 1001 --regid 1001 --clear-groups --inh-caps "$1" --ambient-caps "$1" "${@:2}" 2>&1 | sed 's/.*: //'; }
                mkdir -m 700 d; echo s >d/s; chmod 600 d/s; echo t >t; chmod 644 t; mkdir -m 1777 sticky; touch sticky/f
                for cap in -all +chown +dac_override +dac_read_search +fowner +fsetid +mknod +sys_admin +linux_immutable +setfcap; do
                    echo $cap
                    with $cap cat d/s; with $cap ls d; with $cap sh -c 'echo x >>d/s'; with $cap touch d/n; with $cap rm -f d/n
                    with $cap chown 1005:1006 t; with $cap chmod 664 t; with $cap touch -d 2001-01-01 t; stat -c '%u %g %a' t; chown 0:0 t; chmod 644 t
                    with $cap mv sticky/f sticky/g; touch sticky/f; with $cap mknod sticky/dev c 1 3; rm -f sticky/dev
                    with $cap chattr +i t; chattr -i t; with $cap chattr +d t; chattr -d t
                    with $cap setfattr -n trusted.a -v b t; with $cap getfattr -m - -d t; setfattr -x trusted.a t 2>/dev/null
                    with $cap setfacl -m u:5:r t; setfacl -b t; with $cap setcap cap_chown=ep t; getcap t; setcap -r t 2>/dev/null
                    cp /bin/true suid; chown 1001:0 suid; chmod 6775 suid; with $cap chmod 6777 suid; stat -c %a suid
                    with $cap fallocate -l 100000 suid; stat -c %a suid; chmod 6777 suid; with $cap truncate -s 5 suid; stat -c %a suid
                    chmod 6777 suid; with $cap sh -c 'echo >>suid'; stat -c %a suid; chmod 6777 suid; with $cap sh -c 'echo >suid'; stat -c %a suid
                done
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

    @Test
    void aTruncationGivesBackWhatIsBehindTheEnd() {
        onMount(
                """
                blocks() { test "$(stat -c %b f)" = $1 || { stat f; exit 1; }; }
                head -c 3000000 /dev/zero | tr '\\0' x >f; sync f; blocks 5864
                truncate -s 5000 f; blocks 16; truncate -s 3000000 f; blocks 16; sync f; blocks 16
                test $(tr -d '\\0' <f | wc -c) = 5000; truncate -s 0 f; blocks 0
                for at in 0 80 200; do dd if=/dev/urandom of=f bs=1M count=1 seek=$at conv=notrunc status=none; done
                sync f; blocks 6144; truncate -s 4096 f; blocks 8; sync f; blocks 8; head -c 5000 /dev/zero >>f; sync f; blocks 24
                """);
    }

    /** Sixteen TiB with three written places, which seeks find without going through the holes. */
    @Test
    void hugeSparseFilesWork() {
        onMount(
                """
                perl -MTime::HiRes=time -e '
                    my ($began, $got) = time; sub did { $_[1] or die "$_[0]: $!\\n" } my $tib = 1 << 40;
                    did("open", sysopen(my $f, "f", 0102));
                    for my $at (0, 8 * $tib, 16 * $tib - 5) {
                        did("seek", sysseek($f, $at, 0)); did("write", syswrite($f, "bytes") == 5) }
                    did("size", -s $f == 16 * $tib);
                    my @ends = ([3, 0, 0], [4, 0, 4096], [3, 4096, 8 * $tib], [4, 8 * $tib, 8 * $tib + 4096],
                        [3, 8 * $tib + 4096, 16 * $tib - 4096], [4, 16 * $tib - 9, 16 * $tib]);
                    for (@ends) { my ($whence, $from, $to) = @$_;
                        my $found = sysseek($f, $from, $whence); did("seek $whence $from", $found == $to) }
                    did("seek", sysseek($f, 16 * $tib - 8, 0)); did("read", sysread($f, $got, 99) == 8 && $got eq "\\0\\0\\0bytes");
                    did("truncate", truncate($f, 9 * $tib + 1)); did("hole", sysseek($f, 8 * $tib + 1, 4) == 8 * $tib + 4096);
                    did("truncate", truncate($f, 7));
                    did("unlink", unlink("f") == 1); printf "%.1f\\n", time - $began; did("time", time - $began < 5)'
                """);
    }

    /** 2^63 - 4096 bytes: offsets have no more bits, and sectors are whole. */
    @Test
    void theGreatestFileWorks() {
        onMount(
                """
                max=9223372036854771712
                perl -MTime::HiRes=time -MErrno -MIO::Handle -e '
                    my ($max, $f, $got) = (shift); sub did { $_[1] or die "$_[0]: $!\\n" }
                    sub found { my ($whence, $from, $to) = @_; my $began = time;
                        my $at = sysseek($f, $from, $whence) // "none";
                        $at eq $to && time - $began < 5 or die "seek $whence $from: $at for $to\\n" }
                    did("open", sysopen($f, "f", 0102)); did("truncate", truncate($f, $max)); did("size", -s $f == $max);
                    did("nothing", (stat $f)[12] == 0); found(3, 0, "none"); found(4, 0, "0 but true"); found(4, $max - 1, $max - 1);
                    did("one beyond", !truncate($f, $max + 1) && $!{EFBIG}); did("size", -s $f == $max);
                    for my $at (0, 1 << 62, $max - 5) {
                        did("seek", sysseek($f, $at, 0)); did("write", syswrite($f, "bytes") == 5) }
                    did("at the end", !defined(syswrite($f, "x")) && $!{EFBIG});
                    did("seek", sysseek($f, $max - 1, 0)); did("across the end", syswrite($f, "SXX") == 1);
                    for (1, 2) { did("sync", $f->sync) if $_ == 2; did("size", -s $f == $max);
                        found(3, 0, "0 but true"); found(4, 0, 4096); found(3, 4096, 1 << 62); found(4, 1 << 62, (1 << 62) + 4096);
                        found(3, (1 << 62) + 4096, $max - 4096); found(4, $max - 4096, $max); found(3, $max - 1, $max - 1) }
                    did("seek", sysseek($f, $max - 8, 0)); did("read", sysread($f, $got, 99) == 8 && $got eq "\\0\\0\\0byteS");
                    did("blocks", (stat $f)[12] == 24)' $max
                test $(stat -f -c %a .) -gt 0; test $(stat -f -c %b .) -ge $(stat -f -c %f .)
                perl -e 'my ($max, $call) = @ARGV; open(my $f, "+<", "f"); open(my $g, "+>", "g");
                    my ($from, $to) = (pack("q", 0), pack("q", $max - 3)); sub copy { syscall($call, fileno($f), $from, fileno($g), $to, 100, 0) }
                    copy() == 3 && -s $g == $max or die "copy: $!\\n"; copy() < 0 && $!{EFBIG} or die "copy beyond: $!\\n"' \
                    $max $(case $(uname -m) in x86_64) echo 326 ;; *) echo 285 ;; esac)
                cp --sparse=always f g; test $(stat -c %s g) = $max; test "$(tail -c 5 g)" = byteS; sync g; test $(du -k g | cut -f 1) = 12
                fallocate -p -o 4096 -l $((max - 8192)) f; sync f; test "$(stat -c '%s %b' f)" = "$max 16"
                perl -e 'open(my $f, "<", "f"); sysseek($f, 4096, 3) == $ARGV[0] - 4096 or die' $max
                truncate -s $((max - 4096)) f; truncate -s $max f; test "$(tail -c 5 f | tr -d '\\0')" = ''
                truncate -s 0 f; test "$(stat -c '%s %b' f)" = '0 0'
                echo x >>f; truncate -s $max f; test "$(head -c 3 f | tr -d '\\0')" = x; rm f g
                """);
    }

    /** Also across holes of 2^26 and more chunks. */
    @ParameterizedTest
    @ValueSource(longs = {1L << 44, 1L << 62})
    void sparseCopiesKeepTheirHoles(long size) {
        onMount(
                """
                size=%d; places="0 $((1 << 20)) $((5 << 40)) $((size - (1 << 20)))"; truncate -s $size f
                for at in $places; do echo "at $at" | dd of=f bs=1 seek=$at conv=notrunc status=none; done
                sync f; cp --sparse=always f g; cp f h; sync g h
                for copy in f g h; do
                    test $(stat -c %%s $copy) = $size; test $(du -k $copy | cut -f 1) = 16; test $(du -b $copy | cut -f 1) = $size
                    for at in $places; do test "$(dd if=$copy bs=4k count=1 iflag=skip_bytes skip=$at status=none | tr -d '\\0')" = "at $at"; done
                done
                """
                        .formatted(size));
    }

    /** On a disk these calls sleep uninterruptibly, and programs count on that. */
    @Test
    void signalsThatAreHandledInterruptNoCall() {
        onMount(
                """
                perl -MTime::HiRes=setitimer,ITIMER_REAL,time -MIO::Handle -e '
                    my $signals = 0; $SIG{ALRM} = sub { $signals++ }; setitimer(ITIMER_REAL, 0.001, 0.001);
                    my $end = time + 5; my $i = 0;
                    sub did { $_[1] or die "$_[0]: $!\\n" }
                    while (time < $end) {
                        $i++;
                        did("open", sysopen(my $f, "s$i", 0102)); did("write", syswrite($f, "x" x 100000) == 100000);
                        did("fsync", $f->sync); did("truncate", truncate($f, 5000)); did("seek", sysseek($f, 0, 0));
                        did("read", sysread($f, my $got, 9000) == 5000); did("rename", rename("s$i", "t$i"));
                        did("link", link("t$i", "u$i")); did("mkdir", mkdir("d$i")); did("stat", stat("u$i"));
                        did("unlink", unlink("t$i") == 1); did("opendir", opendir(my $d, ".")); did("readdir", readdir($d));
                        did("rmdir", rmdir("d$i")); did("close", close($f)); did("utime", utime(1, 1, "u$i") == 1);
                    }
                    setitimer(ITIMER_REAL, 0, 0); did("signals", $signals > 10); print "$i\\n"'
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
                            kill -USR1 $pid # which dd handles
                            sleep 0.5
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
