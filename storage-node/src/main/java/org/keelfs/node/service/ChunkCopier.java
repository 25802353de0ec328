package org.keelfs.node.service;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.base.InvariantViolation;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.BufferPool;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.SectorStore;
import org.keelfs.node.store.StoreFailedException;
import org.keelfs.register.Digest;
import org.keelfs.register.Membership;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaRegister;
import org.keelfs.register.StampRun;
import org.keelfs.register.ValueRun;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives the replicas of copies the contents of the frozen chunk that they begin with, from this
 * node's replica of it: {@link ReplicaRegister#frozen} and {@link ReplicaRegister#onCopy}, as the
 * STAGEs and the INSTALL of one who has everything at hand. A copy cut short by a crash is begun
 * anew by the next request that wants it. Any thread; the copying is done by the executor.
 */
public final class ChunkCopier {
    private static final Logger LOG = LoggerFactory.getLogger(ChunkCopier.class);

    /** Sectors of one STAGE: a record of 1 MiB, as the writes of a client are. */
    private static final int STEP_SECTORS = 256;

    /** Steps whose bytes are in memory at a time: the pool is the readers' too. */
    private static final int STEPS_IN_FLIGHT = 4;

    private static final long MEMORY_TIMEOUT_MS = 5_000;

    /** More than any chunk has: a chunk is at most 64 MiB. */
    private static final int CHUNK_SECTORS_MAX = 16_384;

    private final SectorStore store;
    private final ChunkIndex index;
    private final BufferPool pool;
    private final Executor executor;
    private final Consumer<Throwable> onFatal;
    private final ReplicaRegister<Answer> register;

    /** Who waits for the end of each copy under way. Guarded by itself. */
    private final Map<ChunkId, List<Consumer<Outcome>>> waiting = new HashMap<>();

    /** What came of a copy. */
    enum Outcome {
        /** The replica holds the contents, or something newer. */
        COPIED,
        /** This node's replica of the origin missed its seal: others have the contents. */
        BEHIND,
        /** Not now: to be asked for again. */
        FAILED
    }

    /** What the machine said to one step. */
    private static final class Answer {
        @Nullable RegisterReply reply;
    }

    /** The copy cannot be made here now. */
    private static final class CopyFailed extends Exception {
        private static final long serialVersionUID = 1L;

        CopyFailed(String message) {
            super(message);
        }
    }

    /**
     * @param executor copies, one after another
     * @param onFatal told of bugs: the process is to halt
     */
    public ChunkCopier(
            SectorStore store,
            ChunkIndex index,
            BufferPool pool,
            Executor executor,
            Consumer<Throwable> onFatal) {
        this.store = store;
        this.index = index;
        this.pool = pool;
        this.executor = executor;
        this.onFatal = onFatal;
        this.register = new ReplicaRegister<>(index);
    }

    /** Whether this request is to be answered behind a copy. */
    boolean wants(RegisterRequest request, Membership membership) {
        return locked(request.chunk(), () -> register.wantsCopy(request, membership));
    }

    /** Copies, once at a time for each chunk, and tells what came of it. */
    void copy(ChunkId chunk, Membership.Origin origin, Consumer<Outcome> then) {
        synchronized (waiting) {
            var others = waiting.get(chunk);
            if (others != null) {
                others.add(then);
                return;
            }
            waiting.put(chunk, new ArrayList<>(List.of(then)));
        }
        try {
            executor.execute(() -> finish(chunk, run(chunk, origin)));
        } catch (RejectedExecutionException e) {
            LOG.info("{} is not copied here yet: too many copies wait", chunk);
            finish(chunk, Outcome.FAILED);
        }
    }

    private void finish(ChunkId chunk, Outcome outcome) {
        @Nullable List<Consumer<Outcome>> all;
        synchronized (waiting) {
            all = waiting.remove(chunk);
        }
        if (all != null) {
            all.forEach(then -> then.accept(outcome));
        }
    }

    private Outcome run(ChunkId chunk, Membership.Origin origin) {
        try {
            Digest digest = locked(origin.chunk(), () -> register.frozen(origin));
            if (digest == null) {
                LOG.info("{} is not copied here: {} is behind", chunk, origin.chunk());
                return Outcome.BEHIND;
            }
            copy(chunk, origin, digest);
            LOG.debug("{} is copied here from {}", chunk, origin.chunk());
            return Outcome.COPIED;
        } catch (CopyFailed | BudgetExceededException | StoreFailedException e) {
            LOG.warn("{} is not copied here from {}: {}", chunk, origin.chunk(), e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (InvariantViolation e) {
            LOG.error("copying {} failed: a bug", chunk, e);
            onFatal.accept(e);
        }
        return Outcome.FAILED;
    }

    private void copy(ChunkId chunk, Membership.Origin origin, Digest digest)
            throws CopyFailed, InterruptedException {
        // What is appended but not durable is not to be read; frozen, nothing is added to it.
        store.commit().awaitDurable(locked(origin.chunk(), () -> index.position(origin.chunk())));
        boolean first = true;
        int steps = 0;
        List<ValueRun> holes = new ArrayList<>();
        List<StampRun> runs =
                locked(
                        origin.chunk(),
                        () -> index.stamps(origin.chunk(), new SectorRun(0, CHUNK_SECTORS_MAX)));
        for (StampRun run : runs) {
            if (run.hole()) {
                holes.add(new ValueRun(run.run(), run.timestamp(), null));
                continue;
            }
            for (int at = run.run().first(); at < run.run().end(); at += STEP_SECTORS) {
                var piece = SectorRun.between(at, Math.min(at + STEP_SECTORS, run.run().end()));
                stage(chunk, origin, piece, first);
                first = false;
                if (++steps % STEPS_IN_FLIGHT == 0) {
                    store.commit().awaitDurable(store.commit().appendedPosition());
                }
            }
        }
        step(new RegisterRequest.Install(chunk, origin.createdEpoch(), holes, digest), first);
    }

    private void stage(ChunkId chunk, Membership.Origin origin, SectorRun piece, boolean first)
            throws CopyFailed, InterruptedException {
        int length = piece.count() * Payload.STORED_SECTOR_BYTES;
        while (!store.commit().hasRoom(length)) {
            store.commit().awaitDurable(store.commit().appendedPosition());
        }
        if (!store.hasSpace(length)) {
            throw new CopyFailed("no room on the disk");
        }
        var plan =
                locked(
                        origin.chunk(),
                        () -> ReadPlan.of(0, origin.chunk(), piece, index, store.log()));
        if (plan == null) {
            throw new CopyFailed("sectors of it are damaged here");
        }
        try {
            var fetched = plan.fetch(pool.allocate(plan.bytes(), MEMORY_TIMEOUT_MS), index);
            try {
                if (!(fetched.reply() instanceof RegisterReply.Values(var values))) {
                    throw new CopyFailed("sectors of it are damaged here");
                }
                step(new RegisterRequest.Stage(chunk, origin.createdEpoch(), values), first);
            } finally {
                fetched.memory().release();
            }
        } finally {
            plan.release();
        }
    }

    private void step(RegisterRequest step, boolean first) throws CopyFailed {
        var answer = new Answer();
        locked(
                step.chunk(),
                () -> {
                    register.onCopy(answer, step, first, effects);
                    return answer;
                });
        boolean taken =
                answer.reply instanceof RegisterReply.Staged
                        || answer.reply instanceof RegisterReply.Applied;
        if (!taken) {
            throw new CopyFailed("a step was answered " + answer.reply);
        }
    }

    private <T extends @Nullable Object> T locked(ChunkId chunk, Supplier<T> action) {
        ReentrantLock lock = index.lock(chunk);
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    /** Nobody is answered: the request that waits is carried out behind the copy, in log order. */
    private final ReplicaEffects<Answer> effects =
            new ReplicaEffects<>() {
                @Override
                public long append(ReplicaRecord record) {
                    return index().append(record);
                }

                @Override
                public void reply(Answer to, RegisterReply reply, long position) {
                    to.reply = reply;
                }

                @Override
                public void replyValues(Answer to, ChunkId chunk, SectorRun run, long position) {
                    Invariant.check(false, "a copy reads the origin itself");
                }
            };

    private ChunkIndex index() {
        return index;
    }
}
