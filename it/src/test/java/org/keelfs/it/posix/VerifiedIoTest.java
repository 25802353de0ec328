package org.keelfs.it.posix;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bytes come back as they were written, under load and far out. */
class VerifiedIoTest extends MountTest {
    /** For longer runs: {@code -Dkeelfs.posix.exerciser=100000}. */
    private static final long OPERATIONS = Long.getLong("keelfs.posix.exerciser", 6_000);

    private static final String FIO =
            "fio --verify=crc32c --verify_fatal=1 --verify_state_save=0 --do_verify=1 --randseed=7 "
                    + "--end_fsync=1 --group_reporting --output=$LOCAL/fio.txt --name=job ";

    private void fio(String arguments) {
        onMount(FIO + arguments + " || { cat $LOCAL/fio.txt; exit 1; }", LONG);
    }

    @Test
    void fioVerifiesRandomWritesOfSeveralWorkers() {
        fio("--rw=randwrite --bs=4k --size=12m --numjobs=4 --ioengine=psync");
        fio("--rw=randrw --bsrange=512-64k --size=12m --numjobs=2 --ioengine=psync --overwrite=1");
    }

    @Test
    void fioVerifiesSequentialWritesOfSeveralWorkers() {
        fio("--rw=write --bs=256k --size=48m --numjobs=2 --ioengine=psync");
        fio("--rw=write --bs=64k --size=12m --numjobs=2 --ioengine=psync --direct=1");
    }

    @Test
    void fioVerifiesMappedWrites() {
        fio("--rw=randwrite --bs=4k --size=12m --numjobs=2 --ioengine=mmap");
        fio("--rw=write --bs=128k --size=16m --numjobs=2 --ioengine=mmap");
    }

    /** Through a handle that the kernel does not cache, as when several mounts use the file. */
    @Test
    void storesIntoAMappedPageBringNoWriteBack() {
        run(SOON, compile("mapper").toString(), mounted().resolve("mapped").toString(), "5");
    }

    /** Also across the border of the first chunk, which takes no part in any other. */
    @ParameterizedTest
    @CsvSource({"1, 0", "2, 66846720"})
    void randomCallsOnAFileAgreeWithAModel(long seed, long base) {
        run(
                OPERATIONS > 20_000 ? LONG.multipliedBy(10) : LONG,
                compile("exerciser").toString(),
                mounted().resolve("file").toString(),
                Long.toString(seed),
                Long.toString(OPERATIONS),
                Long.toString(base));
    }

    @Test
    void aFileOfFiveGigabytes() {
        onMount(
                """
                make() {
                    truncate -s 5G "$1"
                    i=0
                    for at in 0 66060288 134217000 2147479552 4294443008 5367660544; do
                        i=$((i + 1))
                        openssl enc -aes-128-ctr -pass pass:$i -nosalt </dev/zero 2>/dev/null | head -c 1048576 |
                            dd of="$1" bs=1M oflag=seek_bytes seek=$at conv=notrunc iflag=fullblock status=none
                    done
                }
                set +o pipefail
                make big; make $LOCAL/big
                set -o pipefail
                same() {
                    test $(stat -c %s big) = $(stat -c %s $LOCAL/big)
                    for at in 0 65011712 133169152 2146435072 4293918720 5366611968; do
                        cmp -n 3145728 -i $at:$at big $LOCAL/big
                    done
                }
                same
                test $(stat -c %b big) -lt 20000
                for f in big $LOCAL/big; do
                    fallocate -p -o 66100000 -l 500000 $f
                    fallocate -p -o 4294967000 -l 70000 $f
                    truncate -s 4295000001 $f
                    truncate -s 5368709120 $f
                    printf end | dd of=$f bs=1 seek=5368709117 conv=notrunc status=none
                done
                same
                sync big
                test "$(tail -c 3 big)" = end
                cp --sparse=always big copy
                cmp -n 3145728 -i 65011712:65011712 copy $LOCAL/big
                test $(stat -c %s copy) = 5368709120
                """,
                LONG);
    }
}
