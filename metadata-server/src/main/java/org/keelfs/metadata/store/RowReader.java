package org.keelfs.metadata.store;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Reads what {@link RowWriter} wrote. */
final class RowReader {
    private final byte[] bytes;
    private int at;

    /** A row of a format newer than this program's is refused. */
    RowReader(byte[] bytes, int formatVersionMax) {
        this.bytes = bytes;
        int version = one();
        if (version < 1 || version > formatVersionMax) {
            throw new IllegalStateException(
                    "a row of format " + version + ", this program knows " + formatVersionMax);
        }
    }

    /** False at the end: fields that a format got later are not in its older rows. */
    boolean hasMore() {
        return at < bytes.length;
    }

    int one() {
        return bytes[at++] & 0xFF;
    }

    boolean flag() {
        return one() != 0;
    }

    long number() {
        long value = 0;
        for (int shift = 0; ; shift += 7) {
            byte b = bytes[at++];
            value |= (b & 0x7FL) << shift;
            if (b >= 0) {
                return value;
            }
        }
    }

    int integer() {
        return (int) number();
    }

    long signed() {
        long value = number();
        return value >>> 1 ^ -(value & 1);
    }

    byte[] bytes() {
        int length = integer();
        at += length;
        return Arrays.copyOfRange(bytes, at - length, at);
    }

    String text() {
        return new String(bytes(), StandardCharsets.UTF_8);
    }
}
