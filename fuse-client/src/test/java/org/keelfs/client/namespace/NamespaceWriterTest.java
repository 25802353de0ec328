package org.keelfs.client.namespace;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.QuietListener;
import org.keelfs.client.meta.SessionConfig;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CommandQueue;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.SetAttributesCommand;
import org.keelfs.wire.CommandCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.LeaseGrant;
import org.keelfs.wire.proto.MetadataProto.LeaseMode;

/** The writer with its threads, leases and a session, at a server of its own. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class NamespaceWriterTest {
    private static final long TIMEOUT_MS = 10_000;

    private final OneMountServer server = new OneMountServer();
    private final MetadataCache cache = new MetadataCache(1_000, 1_000);
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final ExecutorService blocking = Executors.newVirtualThreadPerTaskExecutor();
    private final AtomicInteger tasks = new AtomicInteger();
    private final Files files = new Files();
    private final MetadataSession session =
            new MetadataSession(
                    new SessionConfig("v", new byte[16], TIMEOUT_MS, 5_000),
                    new Losses(),
                    _ -> server,
                    timer,
                    this::run);
    private final Leases leases = new Leases(session, TIMEOUT_MS);
    private final NamespaceWriter writer =
            new NamespaceWriter(session, leases, cache, this::run, true, TIMEOUT_MS);

    private void run(Runnable task) {
        tasks.incrementAndGet();
        blocking.execute(
                () -> {
                    try {
                        task.run();
                    } finally {
                        tasks.decrementAndGet();
                    }
                });
    }

    private final class Losses extends QuietListener {
        @Override
        public void onSessionLost() {
            var _ = leases.onSessionLost();
            writer.onSessionLost();
            cache.clear();
        }

        @Override
        public void onSessionOpened(long leaseFloor) {
            leases.onSessionOpened(leaseFloor);
        }
    }

    /** Files of which nothing is dirty; a flush can be held up. */
    private static final class Files implements NamespaceEvents {
        final CountDownLatch flushing = new CountDownLatch(1);
        @Nullable CountDownLatch mayFlush;
        final List<InodeId> lost = new ArrayList<>();

        @Override
        public void onMade(Attributes attributes) {}

        @Override
        public void flush(InodeId file) {
            flushing.countDown();
            try {
                if (mayFlush != null) {
                    mayFlush.await();
                }
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        @Override
        public void onLost(List<InodeId> inodes, Errno why) {
            lost.addAll(inodes);
        }
    }

    /** The mount holds WRITE on the empty root, and knows it. */
    @BeforeEach
    void open() {
        session.open();
        writer.attach(files);
        Attributes root = server.attributes(InodeId.ROOT);
        leases.onGrant(
                LeaseGrant.newBuilder()
                        .setInode(InodeId.ROOT.value())
                        .setMode(LeaseMode.WRITE)
                        .setGeneration(1)
                        .build(),
                () -> {
                    cache.learn(new CachedInode(root, Map.of(), null));
                    cache.learnNewDirectory(InodeId.ROOT, InodeId.ROOT);
                });
    }

    @AfterEach
    void close() {
        session.close();
        timer.shutdownNow();
        blocking.shutdownNow();
    }

    private static Command create(String name) {
        return command(
                new CreateCommand(
                        InodeId.ROOT,
                        Name.of(name),
                        FileType.REGULAR.modeBits() | 0644,
                        0,
                        0,
                        new byte[0],
                        false,
                        true));
    }

    private static Command chmod(InodeId inode, int mode) {
        return command(
                new SetAttributesCommand(
                        inode, mode, null, null, null, null, null, null, false, false, false, false,
                        0));
    }

    private static Command command(org.keelfs.namespace.NamespaceCommand<?> command) {
        return CommandCodec.encode(new IssuedCommand(Caller.ROOT, 5, command));
    }

    private @Nullable InodeId make(String name, @Nullable InodeId waitsFor) {
        List<CommandOutcome> outcomes = writer.tryLocal(List.of(create(name)), waitsFor);
        Attributes made = outcomes == null ? null : outcomes.getFirst().inode();
        return made == null ? null : made.inode();
    }

    @Test
    void whatIsAnsweredHereComesToTheServerWithTheSameOutcome() {
        InodeId made = make("f", null);
        assertNotNull(made);
        assertNotNull(writer.tryLocal(List.of(chmod(made, 0600)), null));
        writer.drain();
        assertEquals(2, server.applied().size());
        assertEquals(List.of(), files.lost);
        assertNull(writer.takeError(made));
    }

    @Test
    void whoGivesALeaseBackWaitsForTheCommandThatIsBeingDecidedUnderIt() throws Exception {
        CachedDirectory root = cache.directory(InodeId.ROOT);
        var decided = new Thread(() -> assertNotNull(make("f", null)));
        var atServer = new CompletableFuture<Integer>();
        var recalled =
                new Thread(
                        () -> {
                            writer.drain();
                            atServer.complete(server.applied().size());
                        });
        synchronized (root) {
            decided.start();
            // It has found the lease good, and is about to look at the entries.
            await().until(() -> decided.getState() == Thread.State.BLOCKED);
            recalled.start();
            await().until(
                            () ->
                                    switch (recalled.getState()) {
                                        case WAITING, TIMED_WAITING, TERMINATED -> true;
                                        default -> false;
                                    });
        }
        assertEquals(1, atServer.get(), "commands at the server when the lease went back");
        decided.join();
        recalled.join();
    }

    @Test
    void whatALostSessionHadAnsweredNeverReachesTheNextOne() {
        InodeId first = make("first", null);
        assertNotNull(first);
        writer.drain();
        files.mayFlush = new CountDownLatch(1);
        InodeId second = make("second", first);
        assertNotNull(second);
        writer.onTick();
        await().until(
                        () -> {
                            writer.onTick();
                            return files.flushing.getCount() == 0;
                        });
        long before = session.id();
        server.evict();
        // So it learns of the eviction.
        assertThrows(FsException.class, () -> session.submit(List.of()));
        assertEquals(before + 2, session.id());
        files.mayFlush.countDown();
        await().until(() -> tasks.get() == 0);
        assertEquals(1, server.applied().size(), "commands applied at the server");
        assertEquals(Errno.EIO, writer.takeError(second));
    }

    @Test
    void aFullQueueLetsTheServerDecide() {
        InodeId made = make("f", null);
        assertNotNull(made);
        writer.drain();
        // Nothing is sent as long as the bytes of the file are on their way.
        files.mayFlush = new CountDownLatch(1);
        InodeId held = make("held", made);
        assertNotNull(held);
        int taken = 0;
        while (taken <= 2 * CommandQueue.COMMANDS_MAX
                && writer.tryLocal(List.of(chmod(made, taken & 0777)), null) != null) {
            taken++;
        }
        files.mayFlush.countDown();
        writer.drain();
        assertTrue(
                taken <= CommandQueue.COMMANDS_MAX + CommandQueue.BATCH_COMMANDS_MAX,
                taken + " commands wait");
    }
}
