package org.keelfs.client.data;

import java.util.concurrent.Executor;
import org.keelfs.buffer.BufferPool;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.crypto.MasterKey;
import org.keelfs.crypto.SectorCipher;

/**
 * What the classes of this package share, put together once by {@link BufferedFileData}.
 *
 * @param workers run decryption of read-ahead and write-back; may wait
 * @param ciphertexts buffers of encrypted runs
 * @param timeoutNs of an operation
 */
record DataParts(
        ChunkIo io,
        MasterKey master,
        SectorCipher cipher,
        CleanCache cache,
        FramePool pool,
        RunSplitter splitter,
        Executor workers,
        BufferPool ciphertexts,
        long timeoutNs) {}
