package org.keelfs.metadata.store;

import java.util.Arrays;
import org.keelfs.base.Invariant;

/**
 * Keys as bytes, numbers big endian, so that their order as unsigned bytes is that of the tables.
 *
 * <pre>
 * INODE inode:8                 ENTRY directory:8 name      POSITION directory:8 position:8
 * XATTR inode:8 name            MAP inode:8 index:4 or :8   CHUNK, GARBAGE chunk:8
 * PIN 1 inode:8 session:8 and 2 session:8 inode:8           SESSION session:8
 * REPLY session:8 sequence:8    CLUSTER 1 volume:4, 2 node:4, 3 counter:1
 * </pre>
 *
 * A chunk index below 2^31 takes four bytes, so its first bit is 0; a greater one takes eight,
 * whose first bit is set, and so comes behind all short ones.
 */
final class Keys {
    static final byte PIN_BY_INODE = 1;
    static final byte PIN_BY_SESSION = 2;
    static final byte VOLUME = 1;
    static final byte NODE = 2;
    static final byte COUNTER = 3;

    private static final long LONG_INDEX = Long.MIN_VALUE;

    private Keys() {}

    static byte[] of(long number) {
        byte[] key = new byte[8];
        put(key, 0, number);
        return key;
    }

    static byte[] of(long first, long second) {
        byte[] key = new byte[16];
        put(key, 0, first);
        put(key, 8, second);
        return key;
    }

    /** Of MAP; the index is not negative. */
    static byte[] ofChunkAt(long inode, long index) {
        Invariant.check(index >= 0, "chunk index %s", index);
        if (index > Integer.MAX_VALUE) {
            return of(inode, index | LONG_INDEX);
        }
        byte[] key = new byte[12];
        put(key, 0, inode);
        putInt(key, 8, (int) index);
        return key;
    }

    /** The index in a key of MAP. */
    static long chunkIndex(byte[] key) {
        return key.length == 12 ? intAt(key, 8) : longAt(key, 8) & ~LONG_INDEX;
    }

    static byte[] of(long first, byte[] rest) {
        byte[] key = new byte[8 + rest.length];
        put(key, 0, first);
        System.arraycopy(rest, 0, key, 8, rest.length);
        return key;
    }

    static byte[] of(byte kind, long first) {
        byte[] key = new byte[9];
        key[0] = kind;
        put(key, 1, first);
        return key;
    }

    static byte[] of(byte kind, long first, long second) {
        byte[] key = new byte[17];
        key[0] = kind;
        put(key, 1, first);
        put(key, 9, second);
        return key;
    }

    static byte[] of(byte kind, int number) {
        byte[] key = new byte[5];
        key[0] = kind;
        putInt(key, 1, number);
        return key;
    }

    static byte[] counter(int ordinal) {
        return new byte[] {COUNTER, (byte) ordinal};
    }

    static long longAt(byte[] key, int at) {
        long value = 0;
        for (int i = 0; i < 8; i++) {
            value = value << 8 | (key[at + i] & 0xFF);
        }
        return value;
    }

    static int intAt(byte[] key, int at) {
        int value = 0;
        for (int i = 0; i < 4; i++) {
            value = value << 8 | (key[at + i] & 0xFF);
        }
        return value;
    }

    static byte[] from(byte[] key, int at) {
        return Arrays.copyOfRange(key, at, key.length);
    }

    static boolean hasPrefix(byte[] key, byte[] prefix) {
        return key.length >= prefix.length
                && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }

    private static void put(byte[] key, int at, long value) {
        for (int i = 0; i < 8; i++) {
            key[at + i] = (byte) (value >>> (56 - 8 * i));
        }
    }

    private static void putInt(byte[] key, int at, int value) {
        for (int i = 0; i < 4; i++) {
            key[at + i] = (byte) (value >>> (24 - 8 * i));
        }
    }
}
