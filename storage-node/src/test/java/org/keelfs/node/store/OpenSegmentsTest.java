package org.keelfs.node.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** However many segments there are, few of their files are open. */
@Timeout(30)
class OpenSegmentsTest {
    private static final int SEGMENTS = 20;

    private final MemoryFiles files = new MemoryFiles();

    private static void fill(TestLog log) throws InterruptedException {
        int number = 0;
        while (log.log.segments().size() < SEGMENTS) {
            var _ = log.append(number++);
        }
        log.commit.awaitDurable(log.commit.appendedPosition());
    }

    /** The bytes of a segment's header as a reader gets them. */
    private static byte[] header(Segment segment) throws IOException {
        var bytes = ByteBuffer.allocate(RecordCodec.SEGMENT_HEADER_BYTES);
        segment.readFully(bytes, 0);
        return bytes.array();
    }

    private void checkHeader(Segment segment) throws IOException {
        byte[] all = files.bytes(Segment.name(segment.number()));
        assertEquals(
                ByteBuffer.wrap(all, 0, RecordCodec.SEGMENT_HEADER_BYTES),
                ByteBuffer.wrap(header(segment)));
    }

    @Test
    void noMoreFilesStayOpenThanAllowedWhileTheLogGrowsIsReadAndIsOpenedAgain() throws Exception {
        try (var log = new TestLog(files)) {
            fill(log);
            assertTrue(files.openCount() <= TestLog.OPEN_MAX, "written: " + files.openCount());
            for (Segment segment : log.log.segments()) {
                checkHeader(segment);
            }
            assertTrue(files.openCount() <= TestLog.OPEN_MAX, "read: " + files.openCount());
        }
        assertEquals(0, files.openCount());
        try (var log = new TestLog(files)) {
            assertTrue(files.openCount() <= TestLog.OPEN_MAX, "opened: " + files.openCount());
            for (Segment segment : log.log.segments()) {
                checkHeader(segment);
            }
        }
        assertEquals(0, files.openCount());
    }

    @Test
    void aFileInUseStaysOpenAndTheOthersGo() throws Exception {
        try (var log = new TestLog(files)) {
            fill(log);
            List<Segment> segments = log.log.segments();
            try (var used = segments.getFirst().use()) {
                for (Segment segment : segments) {
                    checkHeader(segment);
                }
                var bytes = ByteBuffer.allocate(RecordCodec.SEGMENT_HEADER_BYTES);
                used.file().readFully(bytes, 0);
                assertEquals(ByteBuffer.wrap(header(segments.getFirst())), bytes.flip());
            }
            assertTrue(files.openCount() <= TestLog.OPEN_MAX);
        }
    }

    @Test
    void whoHoldsADeletedSegmentCanStillOpenItsFile() throws Exception {
        try (var log = new TestLog(files)) {
            fill(log);
            Segment held = log.log.segments().getFirst();
            String name = Segment.name(held.number());
            assertTrue(held.retain());
            log.log.delete(held);
            checkHeader(held);
            held.release();
            assertFalse(files.list().contains(name));
            assertFalse(held.retain());

            Segment free = log.log.segments().getFirst();
            log.log.delete(free);
            assertFalse(files.list().contains(Segment.name(free.number())));
        }
    }

    @Test
    void atTheLimitOfOpenFilesUnusedOnesGoAndWithoutSuchItIsNoDamage() throws Exception {
        try (var log = new TestLog(files)) {
            fill(log);
            List<Segment> segments = log.log.segments();
            header(segments.get(1));
            files.openMax = files.openCount();
            checkHeader(segments.getFirst());

            files.openMax = 2; // One of them is written.
            try (var _ = segments.get(2).use()) {
                assertThrows(SegmentUnavailableException.class, () -> header(segments.getFirst()));
            }
            checkHeader(segments.getFirst());
            // The log goes on in new segments.
            for (int number = 1_000; log.log.segments().size() < SEGMENTS + 3; number++) {
                log.commit.awaitDurable(log.append(number));
            }
        }
    }

    @Test
    void aFileThatIsGoneIsNotMerelyUnavailable() throws Exception {
        try (var log = new TestLog(files)) {
            fill(log);
            Segment gone = log.log.segments().getFirst();
            files.delete(Segment.name(gone.number()));
            assertThrows(NoSuchFileException.class, () -> header(gone));
        }
    }
}
