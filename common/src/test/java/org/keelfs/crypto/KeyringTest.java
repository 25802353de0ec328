package org.keelfs.crypto;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

class KeyringTest {
    private static final byte[] PASSWORD = "correct horse".getBytes(UTF_8);

    private final MasterKey key = MasterKey.random();

    @Test
    void thePasswordOpensIt() {
        byte[] blob = Keyring.encrypt(key, PASSWORD);
        assertArrayEquals(key.bytes(), Keyring.open(blob, PASSWORD).bytes());
    }

    @Test
    void aWrongPasswordIsRejected() {
        byte[] blob = Keyring.encrypt(key, PASSWORD, 64, 1);
        var e = assertThrows(FsException.class, () -> Keyring.open(blob, "wrong".getBytes(UTF_8)));
        assertEquals(Errno.EKEYREJECTED, e.errno());
    }

    @Test
    void aChangedBlobIsRejected() {
        byte[] blob = Keyring.encrypt(key, PASSWORD, 64, 1);
        for (int at = 0; at < blob.length; at++) {
            byte[] changed = blob.clone();
            changed[at] ^= 1;
            assertThrows(FsException.class, () -> Keyring.open(changed, PASSWORD));
        }
        assertThrows(FsException.class, () -> Keyring.open(new byte[3], PASSWORD));
    }

    @Test
    void chunkKeysComeBackFromTheirWrapAndFromNoOther() {
        ChunkKey chunkKey = ChunkKey.random();
        byte[] wrapped = key.wrap(chunkKey);
        assertEquals(MasterKey.WRAPPED_BYTES, wrapped.length);
        assertArrayEquals(chunkKey.bytes(), key.unwrap(wrapped).bytes());
        assertThrows(FsException.class, () -> MasterKey.random().unwrap(wrapped));
        for (int at = 0; at < wrapped.length; at++) {
            byte[] changed = wrapped.clone();
            changed[at] ^= 0x10;
            assertThrows(FsException.class, () -> key.unwrap(changed));
        }
    }
}
