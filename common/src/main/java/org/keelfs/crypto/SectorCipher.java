package org.keelfs.crypto;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32C;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/**
 * AES-256-GCM of sectors in the layout of {@link Payload}: key of the timestamp's epoch, random
 * 96-bit nonce, additional data = key id, sector index, timestamp. Thread-safe; work is done by a
 * {@link Pass}, confined to the thread that took it.
 */
public final class SectorCipher {
    /*
     * The JDK's AES-GCM is fastest from array to array; with direct buffers it copies in small pieces. So a pass
     * keeps one array of a stored sector and one of plaintext and moves bytes by bulk copies. What a pass holds
     * (two arrays, a Cipher, a batch of random bytes) is costly to make and kept in a small pool, not by thread:
     * virtual threads are many and short.
     */

    /** More passes at once than cores bring nothing; what exceeds this is left to the collector. */
    private static final int IDLE_PASSES_MAX = 16;

    private final ConcurrentLinkedDeque<Pass> idle = new ConcurrentLinkedDeque<>();
    private final AtomicInteger idleCount = new AtomicInteger();

    /** Begins work on any number of sectors; close gives the tools back. */
    public Pass begin() {
        Pass pass = idle.pollFirst();
        if (pass == null) {
            return new Pass(this);
        }
        idleCount.decrementAndGet();
        return pass;
    }

    /**
     * Encrypts a run from one buffer: {@code plain} and {@code stored} are read and filled from
     * index 0.
     */
    public void encrypt(
            ChunkKey key,
            long keyId,
            SectorRun run,
            Timestamp timestamp,
            ByteBuffer plain,
            ByteBuffer stored) {
        try (Pass pass = begin()) {
            pass.use(key, keyId, timestamp);
            for (int i = 0; i < run.count(); i++) {
                pass.encrypt(
                        run.first() + i,
                        plain,
                        i * SectorRun.SECTOR_BYTES,
                        stored,
                        i * Payload.STORED_SECTOR_BYTES);
            }
        }
    }

    /** The reverse. */
    public void decrypt(
            ChunkKey key,
            long keyId,
            SectorRun run,
            Timestamp timestamp,
            ByteBuffer stored,
            ByteBuffer plain)
            throws DamagedSectorException {
        try (Pass pass = begin()) {
            pass.use(key, keyId, timestamp);
            for (int i = 0; i < run.count(); i++) {
                pass.decrypt(
                        run.first() + i,
                        stored,
                        i * Payload.STORED_SECTOR_BYTES,
                        plain,
                        i * SectorRun.SECTOR_BYTES);
            }
        }
    }

    private void giveBack(Pass pass) {
        if (idleCount.incrementAndGet() > IDLE_PASSES_MAX) {
            idleCount.decrementAndGet();
        } else {
            idle.addFirst(pass);
        }
    }

    /** Work on sectors of one (key, timestamp) at a time. Confined to one thread until closed. */
    public static final class Pass implements AutoCloseable {
        private static final int SECTOR = SectorRun.SECTOR_BYTES;
        private static final int TAG_AT = AesGcm.NONCE_BYTES;
        private static final int CRC_AT = TAG_AT + AesGcm.TAG_BYTES;
        private static final int TEXT_AT = Payload.ENVELOPE_BYTES;

        /**
         * Nonces of this many sectors are drawn at once: a system call for each would cost as much
         * as AES.
         */
        private static final int NONCES_DRAWN = 256;

        private final SectorCipher owner;
        private final Cipher cipher = AesGcm.cipher();
        private final SecureRandom random = new SecureRandom();
        private final byte[] nonces = new byte[NONCES_DRAWN * AesGcm.NONCE_BYTES];
        private int nonceAt = nonces.length;
        private final CRC32C crc = new CRC32C();
        private final byte[] plain = new byte[SECTOR];

        /** One stored sector, and behind it the tag where the JDK wants it. */
        private final byte[] stored = new byte[Payload.STORED_SECTOR_BYTES + AesGcm.TAG_BYTES];

        private final byte[] additional = new byte[8 + 4 + 24];
        private final ByteBuffer additionalView =
                ByteBuffer.wrap(additional).order(ByteOrder.LITTLE_ENDIAN);
        private final ByteBuffer storedView =
                ByteBuffer.wrap(stored).order(ByteOrder.LITTLE_ENDIAN);
        private @Nullable SecretKey key;

        private Pass(SectorCipher owner) {
            this.owner = owner;
        }

        /** The sectors that follow have this key, key id and timestamp. */
        public void use(ChunkKey chunkKey, long keyId, Timestamp timestamp) {
            key = chunkKey.forEpoch(timestamp.epoch());
            additionalView
                    .putLong(0, keyId)
                    .putLong(12, timestamp.epoch())
                    .putLong(20, timestamp.counter())
                    .putLong(28, timestamp.session());
        }

        /**
         * One sector.
         *
         * @param sector index in the chunk
         * @param from plaintext, 4096 bytes at {@code fromAt}; positions do not move
         * @param to stored sector, 4128 bytes at {@code toAt}
         */
        public void encrypt(int sector, ByteBuffer from, int fromAt, ByteBuffer to, int toAt) {
            from.get(fromAt, plain, 0, SECTOR);
            drawNonce();
            try {
                init(Cipher.ENCRYPT_MODE, sector);
                cipher.doFinal(plain, 0, SECTOR, stored, TEXT_AT);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("AES-GCM refuses to encrypt a sector", e);
            }
            System.arraycopy(stored, TEXT_AT + SECTOR, stored, TAG_AT, AesGcm.TAG_BYTES);
            storedView.putInt(CRC_AT, checksum());
            to.put(toAt, stored, 0, Payload.STORED_SECTOR_BYTES);
        }

        /**
         * The reverse; the CRC is for nodes and not looked at, the tag covers all that it covers.
         */
        public void decrypt(int sector, ByteBuffer from, int fromAt, ByteBuffer to, int toAt)
                throws DamagedSectorException {
            from.get(fromAt, stored, 0, Payload.STORED_SECTOR_BYTES);
            System.arraycopy(stored, TAG_AT, stored, TEXT_AT + SECTOR, AesGcm.TAG_BYTES);
            try {
                init(Cipher.DECRYPT_MODE, sector);
                cipher.doFinal(stored, TEXT_AT, SECTOR + AesGcm.TAG_BYTES, plain, 0);
            } catch (AEADBadTagException e) {
                throw new DamagedSectorException(sector);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException("AES-GCM refuses to decrypt a sector", e);
            }
            to.put(toAt, plain, 0, SECTOR);
        }

        private void init(int mode, int sector) throws GeneralSecurityException {
            additionalView.putInt(8, sector);
            cipher.init(
                    mode,
                    key,
                    new GCMParameterSpec(AesGcm.TAG_BITS, stored, 0, AesGcm.NONCE_BYTES));
            cipher.updateAAD(additional);
        }

        private void drawNonce() {
            if (nonceAt == nonces.length) {
                random.nextBytes(nonces);
                nonceAt = 0;
            }
            System.arraycopy(nonces, nonceAt, stored, 0, AesGcm.NONCE_BYTES);
            nonceAt += AesGcm.NONCE_BYTES;
        }

        private int checksum() {
            crc.reset();
            crc.update(stored, 0, CRC_AT);
            crc.update(stored, TEXT_AT, SECTOR);
            return (int) crc.getValue();
        }

        @Override
        public void close() {
            key = null;
            owner.giveBack(this);
        }
    }
}
