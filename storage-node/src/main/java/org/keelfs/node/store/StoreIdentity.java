package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import java.util.zip.CRC32C;

/**
 * Who a store is (R12): random when it is made, with a counter of its starts, so that the metadata
 * server knows a wiped, exchanged or restored store from the one it talked to. Kept in one small
 * file, replaced atomically:
 *
 * <pre>
 * offset size
 *      0    4  magic "KLID"
 *      4    4  CRC-32C of the rest
 *      8    4  version 1
 *     12    4  1 when this identity was drawn because the log was damaged, until a node number is known for it
 *     16   16  identity
 *     32   16  seed of the log's checksums; stays when the identity is drawn anew
 *     48    8  start counter
 * </pre>
 *
 * @param identity 16 random bytes
 * @param logSeed 16 random bytes that never leave the node
 * @param startCounter of this start, from 1
 * @param logDamaged acknowledged data is known to be lost
 */
public record StoreIdentity(
        byte[] identity, byte[] logSeed, long startCounter, boolean logDamaged) {
    private static final String NAME = "identity";
    private static final String NEW_NAME = "identity.new";
    private static final int BYTES = 56;
    private static final int MAGIC = 0x44494c4b;
    private static final int VERSION = 1;
    private static final int RANDOM_BYTES = 16;

    /** Loads the identity, or makes one in an empty directory, and counts this start durably. */
    static StoreIdentity start(StoreFiles files) throws IOException {
        var names = files.list();
        StoreIdentity now;
        if (names.contains(NAME)) {
            var before = load(files);
            now =
                    new StoreIdentity(
                            before.identity,
                            before.logSeed,
                            before.startCounter + 1,
                            before.logDamaged);
        } else if (names.stream().anyMatch(name -> Segment.number(name) >= 0)) {
            throw new IOException(
                    "the store has a log but no file '"
                            + NAME
                            + "': move its directory away to start as a new node");
        } else {
            now = new StoreIdentity(random(), random(), 1, false);
        }
        now.save(files);
        return now;
    }

    /** A new identity for a store that lost acknowledged data; saved. */
    StoreIdentity renewed(StoreFiles files) throws IOException {
        var renewed = new StoreIdentity(random(), logSeed, 1, true);
        renewed.save(files);
        return renewed;
    }

    /** The same, with the damage told; saved. */
    StoreIdentity settled(StoreFiles files) throws IOException {
        var settled = new StoreIdentity(identity, logSeed, startCounter, false);
        settled.save(files);
        return settled;
    }

    private static byte[] random() {
        byte[] bytes = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(bytes);
        return bytes;
    }

    private static StoreIdentity load(StoreFiles files) throws IOException {
        var in = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (var file = files.open(NAME)) {
            if (file.size() != BYTES) {
                throw damaged();
            }
            file.readFully(in, 0);
        }
        in.flip();
        if (in.getInt() != MAGIC || in.getInt() != checksum(in.array()) || in.getInt() != VERSION) {
            throw damaged();
        }
        boolean logDamaged = in.getInt() != 0;
        byte[] identity = new byte[RANDOM_BYTES];
        byte[] seed = new byte[RANDOM_BYTES];
        in.get(identity).get(seed);
        return new StoreIdentity(identity, seed, in.getLong(), logDamaged);
    }

    private static IOException damaged() {
        return new IOException(
                "the store's file '"
                        + NAME
                        + "' is damaged: move its directory away to start as a new node");
    }

    private void save(StoreFiles files) throws IOException {
        var out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
        out.putInt(MAGIC).putInt(0).putInt(VERSION).putInt(logDamaged ? 1 : 0);
        out.put(identity).put(logSeed).putLong(startCounter);
        out.putInt(4, checksum(out.array()));
        out.flip();
        try (var file = files.open(NEW_NAME)) {
            file.truncate(0);
            var buffers = new ByteBuffer[] {out};
            while (out.hasRemaining()) {
                if (file.write(buffers, 1, out.position()) <= 0) {
                    throw new IOException("no bytes written to '" + NEW_NAME + "'");
                }
            }
            file.force();
        }
        files.rename(NEW_NAME, NAME);
        files.forceDirectory();
    }

    private static int checksum(byte[] bytes) {
        var crc = new CRC32C();
        crc.update(bytes, 8, BYTES - 8);
        return (int) crc.getValue();
    }
}
