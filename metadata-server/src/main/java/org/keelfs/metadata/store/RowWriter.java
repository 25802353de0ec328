package org.keelfs.metadata.store;

import java.util.Arrays;

/** Appends numbers and bytes to a row; numbers take one byte per 7 bits. */
final class RowWriter {
    private byte[] bytes = new byte[96];
    private int length;

    RowWriter(int formatVersion) {
        one(formatVersion);
    }

    RowWriter one(int value) {
        ensure(1);
        bytes[length++] = (byte) value;
        return this;
    }

    RowWriter flag(boolean value) {
        return one(value ? 1 : 0);
    }

    /** Unsigned: negative numbers take ten bytes. */
    RowWriter number(long value) {
        ensure(10);
        long rest = value;
        while ((rest & ~0x7FL) != 0) {
            bytes[length++] = (byte) (rest | 0x80);
            rest >>>= 7;
        }
        bytes[length++] = (byte) rest;
        return this;
    }

    /** Unsigned 32 bits. */
    RowWriter number(int value) {
        return number(Integer.toUnsignedLong(value));
    }

    /** Small of either sign. */
    RowWriter signed(long value) {
        return number(value << 1 ^ value >> 63);
    }

    RowWriter bytes(byte[] value) {
        number(value.length);
        ensure(value.length);
        System.arraycopy(value, 0, bytes, length, value.length);
        length += value.length;
        return this;
    }

    RowWriter text(String value) {
        return bytes(value.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }

    byte[] done() {
        return Arrays.copyOf(bytes, length);
    }

    private void ensure(int room) {
        if (length + room > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + room));
        }
    }
}
