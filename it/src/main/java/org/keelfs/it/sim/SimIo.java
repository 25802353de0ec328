package org.keelfs.it.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant.Mode;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.ReadOutcome;
import org.keelfs.register.ReadPlan;
import org.keelfs.register.ReadRound;
import org.keelfs.register.SharedWriteRound;
import org.keelfs.register.StaleEpoch;
import org.keelfs.register.ValueRun;
import org.keelfs.register.WriteOutcome;
import org.keelfs.register.WriteRound;

/** The operations of a {@link SimClient} on its chunk, as client.quorum drives them. */
final class SimIo {
    /** Attempts before an operation gives up; the waiting for leases does not count. */
    static final int ATTEMPTS_MAX = 12;

    private final SimClient client;
    private final SimCluster cluster;

    /** Writes of the present epoch whose outcome is unknown: to be sent again before a read. */
    private final List<InDoubt> inDoubt = new ArrayList<>();

    private final List<SectorRun> writing = new ArrayList<>();
    private boolean othersWrote;

    private record InDoubt(
            ChunkSession session, WriteRound round, RoundRunner<WriteOutcome> runner) {}

    SimIo(SimClient client) {
        this.client = client;
        this.cluster = client.cluster;
    }

    /** The lease is gone, and with it the right to send anything again. */
    void forget() {
        inDoubt.clear();
    }

    /** The process starts anew. */
    void restart() {
        forget();
        writing.clear();
    }

    void learn(Layout layout) {
        othersWrote = layout.othersWrote();
    }

    void begin(SimOperation operation, boolean absent) {
        var session = client.chunk();
        if (operation.unknown && !mayWriteAgain(operation)) {
            client.end(operation);
            return;
        }
        switch (operation.kind) {
            case READ -> {
                if (absent || session == null) {
                    zeros(operation);
                } else if (session.grant().mode() == Mode.SHARED) {
                    sharedRead(operation, session);
                } else {
                    read(operation, session);
                }
            }
            case WRITE, TRIM -> {
                if (session == null || writing.stream().anyMatch(operation.run::overlaps)) {
                    client.again(operation);
                } else if (session.grant().mode() == Mode.SHARED) {
                    sharedWrite(operation, session);
                } else {
                    write(operation, session);
                }
            }
            case TRUNCATE -> truncate(operation, session);
        }
    }

    /**
     * R6: a new timestamp for a write of unknown outcome only if nobody else can have written
     * since.
     */
    private boolean mayWriteAgain(SimOperation operation) {
        return cluster.rules.newTimestampForUnknown()
                || (operation.mode == Mode.WRITE
                        && operation.sentBy == client.session()
                        && !othersWrote);
    }

    // ---- reads ----

    private void zeros(SimOperation read) {
        if (client.leaseIsValid()) {
            client.answer(read, Collections.nCopies(read.run.count(), 0L));
        } else {
            client.again(read);
        }
    }

    private void read(SimOperation read, ChunkSession session) {
        switch (session.readPlan(read.run)) {
            case ReadPlan.Zeros() -> zeros(read);
            case ReadPlan.Settle(_) -> settle(read, session);
            case ReadPlan.NoSource(_) -> {
                if (session.needsFreshEpoch()) {
                    over(read, session);
                } else {
                    catchUp(session);
                    client.again(read);
                }
            }
            case ReadPlan.Ask(var parts) ->
                    readPart(read, session, new ArrayDeque<>(parts), new ArrayList<>());
        }
    }

    private void readPart(
            SimOperation read,
            ChunkSession session,
            ArrayDeque<ReadPlan.Part> parts,
            List<Long> values) {
        var part = parts.poll();
        if (part == null) {
            client.answer(read, values);
            return;
        }
        var sources = new ArrayList<>(cluster.rules.sources(part, session.grant().set()));
        Collections.rotate(sources, cluster.scheduler.below(sources.size()));
        var round = new ReadRound(session, part.run(), sources, cluster.times());
        var _ =
                client.run(
                        round,
                        session,
                        created(session),
                        outcome -> {
                            switch (outcome) {
                                case ReadOutcome.Answered(var found, _, _) -> {
                                    values.addAll(valuesOf(part.run(), found));
                                    readPart(read, session, parts, values);
                                }
                                case ReadOutcome.InDoubt(_) -> settle(read, session);
                                case StaleEpoch(_) -> over(read, session);
                                default -> client.again(read);
                            }
                        });
    }

    static List<Long> valuesOf(SectorRun run, List<ValueRun> found) {
        var values = new ArrayList<Long>(Collections.nCopies(run.count(), 0L));
        for (ValueRun value : found) {
            if (value.payload() instanceof SimPayload(long number, _)) {
                for (int s = value.run().first(); s < value.run().end(); s++) {
                    values.set(s - run.first(), number);
                }
            }
        }
        return values;
    }

    private void sharedRead(SimOperation read, ChunkSession session) {
        var order = new ArrayList<>(session.grant().set().nodes());
        Collections.rotate(order, cluster.scheduler.below(order.size()));
        var round = cluster.rules.sharedRead(session, read.run, order, cluster.times());
        var _ =
                client.run(
                        round,
                        session,
                        0,
                        outcome -> {
                            switch (outcome) {
                                case ReadOutcome.Answered(var found, _, _) ->
                                        client.answer(read, valuesOf(read.run, found));
                                case StaleEpoch(_) -> over(read, session);
                                default -> retryUnsealed(read, session);
                            }
                        });
    }

    /** No majority sealed in the epoch, it seems: bring replicas up, then once more. */
    private void retryUnsealed(SimOperation operation, ChunkSession session) {
        catchUp(session);
        client.again(operation);
    }

    /**
     * Sends what is in doubt again, then reads anew; without success the read has no answer (R5).
     */
    private void settle(SimOperation read, ChunkSession session) {
        InDoubt first = null;
        for (InDoubt entry : inDoubt) {
            if (entry.session.equals(session) && entry.round.request().run().overlaps(read.run)) {
                first = entry;
                break;
            }
        }
        if (first != null) {
            inDoubt.remove(first);
            resume(first);
        }
        client.again(read);
    }

    private void resume(InDoubt entry) {
        entry.round.resume(cluster.times(), cluster.scheduler.nowNs(), entry.runner);
        entry.runner.settle();
    }

    // ---- writes ----

    private @Nullable Payload payload(SimOperation write) {
        return write.kind == SimOperation.Kind.TRIM
                ? null
                : new SimPayload(write.value, write.run.count());
    }

    private void sent(SimOperation write, ChunkSession session) {
        write.sentBy = session.grant().session().value();
        write.entries.forEach(e -> cluster.history.sent(e, session.grant().epoch()));
    }

    private void write(SimOperation write, ChunkSession session) {
        sent(write, session);
        writing.add(write.run);
        var round =
                new WriteRound(
                        session,
                        write.run,
                        session.nextTimestamp(),
                        payload(write),
                        cluster.times());
        var holder = new ArrayList<RoundRunner<WriteOutcome>>(1);
        var runner =
                client.prepare(
                        round,
                        session,
                        created(session),
                        outcome -> onWritten(write, session, round, holder.getFirst(), outcome));
        holder.add(runner);
        runner.start();
    }

    private void onWritten(
            SimOperation write,
            ChunkSession session,
            WriteRound round,
            RoundRunner<WriteOutcome> runner,
            WriteOutcome outcome) {
        boolean first = !write.ended;
        switch (outcome) {
            case WriteOutcome.Stored(_, _, var missing, _) -> {
                if (first) {
                    writing.remove(write.run);
                    client.done(write);
                }
                if (!missing.isEmpty() && cluster.scheduler.chance(60)) {
                    catchUp(session);
                }
            }
            case StaleEpoch(_) -> {
                if (first) {
                    writing.remove(write.run);
                    write.unknown = true;
                    over(write, session);
                }
            }
            default -> {
                var entry = new InDoubt(session, round, runner);
                boolean current = session.equals(client.chunk());
                if (first && current && cluster.scheduler.chance(cluster.options.resumePercent)) {
                    resume(entry);
                    return;
                }
                if (current) {
                    inDoubt.add(entry);
                }
                if (first) {
                    writing.remove(write.run);
                    client.end(write); // EIO
                }
            }
        }
    }

    private void sharedWrite(SimOperation write, ChunkSession session) {
        sent(write, session);
        var round = new SharedWriteRound(session, write.run, _ -> payload(write), cluster.times());
        var _ =
                client.run(
                        round,
                        session,
                        0,
                        outcome -> {
                            switch (outcome) {
                                case WriteOutcome.Stored(_, _, _, _) -> client.done(write);
                                case StaleEpoch(_) -> {
                                    write.unknown = true;
                                    over(write, session);
                                }
                                default -> {
                                    catchUp(session);
                                    if (cluster.rules.newTimestampForUnknown()) {
                                        client.again(write);
                                    } else {
                                        client.end(write);
                                    }
                                }
                            }
                        });
    }

    private void truncate(SimOperation truncate, @Nullable ChunkSession session) {
        if (session != null) {
            sent(truncate, session);
        }
        long from = client.session();
        long grant = client.grant();
        client.<Boolean>ask(
                reply -> cluster.metadata.truncate(from, grant, reply),
                dropped -> {
                    client.dropChunk();
                    inDoubt.clear();
                    if (dropped) {
                        client.done(truncate);
                    } else {
                        client.end(truncate);
                    }
                });
    }

    // ---- epochs ----

    /** Something newer is promised: this session of the chunk is over. */
    private void over(SimOperation operation, ChunkSession session) {
        if (session.equals(client.chunk())) {
            inDoubt.clear();
            client.askFreshEpoch();
        }
        client.again(operation);
    }

    private void catchUp(ChunkSession session) {
        var behind = session.behind();
        if (behind.isEmpty() || !session.equals(client.chunk())) {
            return;
        }
        var target = behind.get(cluster.scheduler.below(behind.size()));
        if (client.catchingUp.add(target)) {
            var round = cluster.rules.catchUp(session, target, cluster.times());
            var _ =
                    client.run(
                            round,
                            session,
                            created(session),
                            _ -> client.catchingUp.remove(target));
        }
    }

    /** Only WRITE sessions created in their epoch carry it. */
    private long created(ChunkSession session) {
        return session.equals(client.chunk()) ? client.createdEpoch() : 0;
    }
}
