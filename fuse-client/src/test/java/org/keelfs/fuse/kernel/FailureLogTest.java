package org.keelfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

class FailureLogTest {
    private long nowNs = Long.MAX_VALUE - 10;
    private final List<String> lines = new ArrayList<>();
    private final FailureLog log = new FailureLog(() -> nowNs, lines::add);

    @Test
    void oneLineASecondSaysWhyAndHowManyMoreThereWere() {
        log.failed("READ", new FsException(Errno.ENOENT));
        log.failed("READ", new FsException(Errno.EIO, "no node"));
        log.failed("WRITE", new FsException(Errno.EIO, "no room"));
        nowNs += 999_999_999L;
        log.failed("WRITE", new FsException(Errno.EIO, "no room"));
        nowNs += 1;
        log.failed("FSYNC", new FsException(Errno.EIO, "no majority"));
        nowNs += 1_000_000_000L;
        log.failed("FSYNC", new FsException(Errno.EIO, "no lease"));
        assertEquals(
                List.of(
                        "READ answered EIO: no node",
                        "FSYNC answered EIO: no majority (and 2 more before)",
                        "FSYNC answered EIO: no lease"),
                lines);
    }
}
