package org.keelfs.client.data;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.client.quorum.MemoryCluster;
import org.keelfs.client.quorum.QuorumConfig;
import org.keelfs.crypto.MasterKey;
import org.keelfs.model.InodeId;

/** Files that were made ahead of the metadata server, which does not know them yet. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LateFilesTest {
    private static final InodeId LATE = new InodeId(7);
    private static final InodeId KNOWN = new InodeId(8);
    private static final int MIB = 1 << 20;
    private static final long AGE_MS = 500;

    /** The server learns of a file behind a rename that waits for the bytes of another one. */
    @Test
    void noFileWaitsForTheBytesOfOneThatTheServerHasYetToLearnOf() throws Exception {
        try (var cluster = new MemoryCluster(5)) {
            cluster.lateFile = LATE;
            var listener =
                    new WriteBackListener() {
                        @Override
                        public void afterFlush(List<InodeId> flushed) {}

                        @Override
                        public boolean isPlaceable(InodeId inode) {
                            return !inode.equals(LATE) || cluster.lateFileKnown.isDone();
                        }

                        @Override
                        public void onWriteBackError(InodeId inode, Errno errno) {}
                    };
            var quorum = new QuorumConfig(MemoryCluster.CHUNK_BYTES / 4096, 400, 200, 20_000);
            var config =
                    new DataConfig(
                            MemoryCluster.CHUNK_BYTES, 4 * MIB, 4 * MIB, AGE_MS, 2 * MIB, 20_000);
            try (var clients = cluster.mount(quorum);
                    var data =
                            new BufferedFileData(
                                    config,
                                    clients,
                                    MasterKey.random(),
                                    listener,
                                    cluster.workers,
                                    cluster.timer)) {
                for (InodeId file : List.of(LATE, KNOWN)) {
                    assertTrue(data.write(file, 0, ByteBuffer.wrap(new byte[100]), 0, true));
                }
                await("the known file is written").until(() -> !data.isDirty(KNOWN));
                assertTrue(data.isDirty(LATE));
                cluster.lateFileKnown.complete(null);
                await("the late file is written").until(() -> !data.isDirty(LATE));
            }
        }
    }
}
