package org.keelfs.client.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.model.FileSize;
import org.keelfs.model.SectorRun;

class RunSplitterTest {
    private final RunSplitter splitter = new RunSplitter(1 << 20);

    @Test
    void runsEndAtChunksAndAtTheirLargestLength() {
        assertEquals(
                List.of(
                        new ChunkRun(0, new SectorRun(250, 6)),
                        new ChunkRun(1, new SectorRun(0, 100)),
                        new ChunkRun(1, new SectorRun(100, 100)),
                        new ChunkRun(1, new SectorRun(200, 56)),
                        new ChunkRun(2, new SectorRun(0, 1))),
                splitter.split(250, 513, 100));
        assertEquals(List.of(), splitter.split(5, 5, 100));
    }

    @Test
    void theGreatestFileEndsInItsLastChunk() {
        long end = RunSplitter.placeEnd(FileSize.MAX_BYTES);
        assertEquals(FileSize.MAX_BYTES >> RunSplitter.SECTOR_SHIFT, end);
        assertEquals(
                List.of(
                        new ChunkRun((1L << 43) - 2, new SectorRun(255, 1)),
                        new ChunkRun((1L << 43) - 1, new SectorRun(0, 255))),
                splitter.split(end - 256, end, 256));
        assertEquals(end - 255, splitter.placeIn((1L << 43) - 1, 0));
    }

    @Test
    void placesOfBytes() {
        assertEquals(0, RunSplitter.placeOf(4095));
        assertEquals(1, RunSplitter.placeOf(4096));
        assertEquals(1, RunSplitter.placeEnd(4096));
        assertEquals(2, RunSplitter.placeEnd(4097));
        assertEquals(1L << 40, RunSplitter.placeOf(1L << 52));
    }

    @Test
    void whateverIsSplitCoversTheRangeOnce() {
        var random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            long from = random.nextLong(1L << 30);
            long end = from + random.nextInt(3000);
            int most = 1 + random.nextInt(400);
            long at = from;
            for (ChunkRun run : splitter.split(from, end, most)) {
                assertEquals(at, splitter.placeIn(run.chunkIndex(), run.run().first()));
                assertTrue(run.run().count() <= most);
                assertTrue(run.run().end() <= splitter.chunkSectors());
                at += run.run().count();
            }
            assertEquals(end, at);
        }
    }

    @Test
    void masksOfBlocks() {
        assertEquals(-1L, PageBlock.mask(0, 64));
        assertEquals(0L, PageBlock.mask(5, 5));
        assertEquals(0b1110L, PageBlock.mask(1, 4));
        assertEquals(1L << 63, PageBlock.mask(63, 64));
    }
}
