package org.keelfs.node.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.repair.Scrubber;
import org.keelfs.node.store.DiskFiles;
import org.keelfs.node.store.HolePuncher;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.StoreFiles;
import org.keelfs.node.store.StoreOptions;
import org.keelfs.node.store.TestSectors;
import org.keelfs.register.Digest;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaState;
import org.keelfs.register.ValueRun;

/** A read whose files cannot be opened. */
@Timeout(30)
class ReadPlanTest {
    private static final ChunkId CHUNK = new ChunkId(1);
    private static final SectorRun RUN = new SectorRun(0, 10);

    @TempDir Path directory;

    private final BufferPool pool = new BufferPool("test", 4 << 20);
    private volatile boolean tooManyOpen;

    /** A directory in which, now and then, no file can be opened to be read. */
    private StoreFiles files() {
        var disk = new DiskFiles(directory, new HolePuncher());
        return (StoreFiles)
                Proxy.newProxyInstance(
                        StoreFiles.class.getClassLoader(),
                        new Class<?>[] {StoreFiles.class},
                        (_, method, arguments) -> {
                            if (tooManyOpen && method.getName().equals("openToRead")) {
                                throw new FileSystemException("it", null, "Too many open files");
                            }
                            try {
                                return method.invoke(disk, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        });
    }

    private <T> T locked(ChunkIndex index, Function<ChunkIndex, T> action) {
        index.lock(CHUNK).lock();
        try {
            return action.apply(index);
        } finally {
            index.lock(CHUNK).unlock();
        }
    }

    private ChunkIndex index() throws IOException {
        return new ChunkIndex(directory.resolve("index"), 1 << 20, 1 << 20);
    }

    private SectorStore store(ChunkIndex index) throws IOException {
        return new SectorStore(
                files(),
                index,
                StoreOptions.DEFAULT,
                pool,
                (name, loop) -> new Thread(loop, name).start(),
                _ -> {});
    }

    private static ReplicaRecord put() {
        var state = new ReplicaState(ReplicaState.Status.LIVE, 1, 1, Digest.EMPTY);
        var value = new ValueRun(RUN, new Timestamp(1, 1, 1), TestSectors.of(RUN.count(), 1));
        return new ReplicaRecord.Put(CHUNK, state, List.of(value));
    }

    private RegisterReply read(SectorStore store, ChunkIndex index) {
        var plan = locked(index, i -> ReadPlan.of(0, CHUNK, RUN, i, store.log()));
        try {
            var fetched = plan.fetch(pool, index);
            fetched.memory().release();
            return fetched.reply();
        } finally {
            plan.release();
        }
    }

    @Test
    void sectorsOfAFileThatCannotBeOpenedNowAreNotTakenForDamaged() throws Exception {
        ChunkIndex written = index();
        try (var store = store(written)) {
            store.commit().awaitDurable(locked(written, i -> i.append(put())));
        }
        ChunkIndex index = index();
        try (var store = store(index);
                var scrubber = new Scrubber(store, index, pool, 0, (_, _) -> {})) {
            tooManyOpen = true;
            assertThrows(BudgetExceededException.class, () -> read(store, index));
            assertEquals(0, scrubber.scrubAll());
            assertEquals(0, pool.bytesInUse());
            boolean damaged = locked(index, i -> i.damaged(CHUNK, RUN));
            assertFalse(damaged);
            tooManyOpen = false;
            assertInstanceOf(RegisterReply.Values.class, read(store, index));
        } finally {
            pool.close();
        }
    }
}
