package org.keelfs.metadata.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.keelfs.base.InvariantViolation;

class KeysTest {
    private static final long[] INDEXES = {
        0, 1, 255, 256, 1L << 30, Integer.MAX_VALUE, 1L << 31, 1L << 32, (1L << 43) - 1, 1L << 43
    };

    @Test
    void chunksOfAFileAreInTheOrderOfTheirIndexes() {
        byte[] before = Keys.of(4, -1L);
        for (long index : INDEXES) {
            byte[] key = Keys.ofChunkAt(5, index);
            assertTrue(Arrays.compareUnsigned(before, key) < 0, "at " + index);
            assertTrue(Keys.hasPrefix(key, Keys.of(5)));
            assertEquals(index, Keys.chunkIndex(key));
            before = key;
        }
        assertTrue(Arrays.compareUnsigned(before, Keys.ofChunkAt(6, 0)) < 0);
    }

    /** Stores written before there were greater indexes are read by this. */
    @Test
    void anIndexOf31BitsTakesFourBytes() {
        assertArrayEquals(
                new byte[] {0, 0, 0, 0, 0, 0, 0, 5, 0x7F, -1, -1, -1},
                Keys.ofChunkAt(5, Integer.MAX_VALUE));
    }

    @Test
    void anIndexIsNotNegative() {
        assertThrows(InvariantViolation.class, () -> Keys.ofChunkAt(5, -1));
    }
}
