package org.keelfs.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import org.junit.jupiter.api.Test;

class FileSizeTest {
    private static final int[] CHUNK_BYTES = {1 << 20, 3 << 20, 7 << 20, 64 << 20};

    @Test
    void theGreatestSizeIsEightEiBMinusOneSector() {
        assertEquals((1L << 62) - 4096 + (1L << 62), FileSize.MAX_BYTES);
    }

    @Test
    void chunksEndWhereTheNextBeginsAndTheLastWithTheGreatestFile() {
        BigInteger most = BigInteger.valueOf(FileSize.MAX_BYTES);
        for (int bytes : CHUNK_BYTES) {
            long last = (FileSize.MAX_BYTES - 1) / bytes;
            for (long index : new long[] {0, 1, Integer.MAX_VALUE, 1L << 31, last - 1, last}) {
                BigInteger end =
                        BigInteger.valueOf(index + 1).multiply(BigInteger.valueOf(bytes)).min(most);
                assertEquals(end.longValueExact(), FileSize.chunkEnd(index, bytes));
                assertTrue(FileSize.hasChunk(index, bytes));
            }
            assertEquals(FileSize.MAX_BYTES, FileSize.chunkEnd(last, bytes));
            assertEquals(last + 1, FileSize.chunks(FileSize.MAX_BYTES, bytes));
            assertFalse(FileSize.hasChunk(last + 1, bytes));
            assertFalse(FileSize.hasChunk(-1, bytes));
        }
    }

    @Test
    void sizesReachIntoWholeChunks() {
        assertEquals(0, FileSize.chunks(0, 1 << 20));
        assertEquals(1, FileSize.chunks(1, 1 << 20));
        assertEquals(1, FileSize.chunks(1 << 20, 1 << 20));
        assertEquals(2, FileSize.chunks((1 << 20) + 1, 1 << 20));
    }
}
