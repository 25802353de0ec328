package org.keelfs.it.fault;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.it.cluster.Cluster;
import org.keelfs.it.cluster.ClusterDirectory;
import org.keelfs.it.cluster.Shell;

/**
 * cp(1) of a file of three chunks, which copy_file_range(2) makes by reference (decision 0070):
 * what is written to either side afterwards is compared with what a local file system makes of the
 * same.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
final class CopiedFileTest {
    private static final Duration SHELL = Duration.ofSeconds(120);
    private static final Duration DROPPED = Duration.ofSeconds(60);

    private static final Pattern COUNTS =
            Pattern.compile("chunks (\\d+), deleted chunks waiting (\\d+)");

    @TempDir(factory = ClusterDirectory.class, cleanup = CleanupMode.ON_SUCCESS)
    static Path directory;

    private Cluster cluster;

    @BeforeAll
    void start() {
        cluster =
                Cluster.builder()
                        .mounts(2)
                        .setting("heartbeat-ms", "500")
                        .setting("clean-cache-bytes", "4194304")
                        .start(directory.resolve("run"));
        String _ = shell("mkdir -p $L");
    }

    @AfterAll
    void stop() {
        cluster.close();
    }

    private String shell(String script) {
        String places =
                "A=%s; B=%s; L=%s%n"
                        .formatted(cluster.mount(1), cluster.mount(2), directory.resolve("local"));
        // put FILE OFFSET TEXT MOUNT: the same bytes here and there; same: both sides, by both
        // mounts
        String functions =
                """
                put() { for d in $L $4; do printf %s "$3" | dd of=$d/$1 bs=1 seek=$2 conv=notrunc status=none; done; sync $4/$1; }
                same() { for m in $A $B; do cmp $L/$1 $m/$1; done; }
                """;
        Shell.Result result = cluster.shell("set -e\n" + places + functions + script, SHELL);
        return result.orThrow();
    }

    /** Chunks in use, and those that nodes have yet to drop. */
    private String chunks() {
        var status = List.of("status", "--dir", cluster.directory().toString());
        var counts = COUNTS.matcher(cluster.script("keelfs", status, SHELL).orThrow());
        return counts.find() ? counts.group(1) + "+" + counts.group(2) : "unknown";
    }

    @Test
    void aCopyByReferenceIsAFileOfItsOwn() {
        String _ = shell("head -c 150000000 /dev/urandom > $L/big; cp $L/big $A/big; sync $A/big");
        assertEquals("3+0", chunks());
        String _ = shell("cp $L/big $L/copy; cp $A/big $A/copy");
        assertEquals("3+0", chunks(), "not a byte went through the mount");
        String _ = shell("same copy; same big; test $(stat -c %b $A/big) = $(stat -c %b $B/copy)");

        cluster.kill9("node2");
        String _ =
                shell(
                        "put copy 5000 written-to-the-copy $B; put big 9000 written-to-the-source $A");
        cluster.up();
        String _ =
                shell("put copy 70000000 to-a-chunk-of-which-all-replicas-are-there $A; same copy");
        String _ = shell("put big 149999990 over-the-end-of-the-source $B; same big; same copy");

        // What was away has caught up, or does not count: every majority has the bytes.
        cluster.kill9("node1");
        String _ = shell("put copy 100 once-more $A; same copy; same big");
        cluster.up();

        String _ = shell("for d in $L $A; do truncate -s 80000000 $d/copy; done; same copy");
        String _ =
                shell(
                        "for d in $L $A; do truncate -s 150000000 $d/copy; done; same copy; same big");
        String _ =
                shell(
                        "cp $A/big $A/third; for d in $L/big $A/third; do fallocate -p -o 4096 -l 90000000 $d; done");
        String _ = shell("cmp $L/big $B/third");

        String _ = shell("rm $A/big $A/copy $A/third");
        Cluster.await(DROPPED, "all chunks are dropped", () -> chunks().equals("0+0"));
    }

    @Test
    void rangesThatAreNoWholeChunksAreCopiedByTheirBytes() throws IOException {
        String _ = shell("head -c 70000000 /dev/urandom > $L/odd; cp $L/odd $A/odd; sync $A/odd");
        for (Path place : List.of(directory.resolve("local"), cluster.mount(1))) {
            try (var from = FileChannel.open(place.resolve("odd"), READ);
                    var to = FileChannel.open(place.resolve("out"), CREATE, WRITE)) {
                // One that is aligned on one side only, and one that crosses into a chunk.
                int _ = to.write(ByteBuffer.wrap(new byte[] {1, 2, 3}));
                transfer(from, 1_000, 9_000_000, to);
                transfer(from, to.position(), 65_000_000, to);
            }
        }
        String _ = shell("same out; same odd; rm $A/odd $A/out");
    }

    /** sendfile or copy_file_range(2), which may do less at a time than it was asked for. */
    private static void transfer(FileChannel from, long position, long count, FileChannel to)
            throws IOException {
        long left = Math.min(count, from.size() - position);
        for (long at = position; left > 0; ) {
            long moved = from.transferTo(at, left, to);
            at += moved;
            left -= moved;
        }
    }
}
