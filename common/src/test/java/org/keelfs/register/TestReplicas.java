package org.keelfs.register;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.Payload;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.model.SessionId;
import org.keelfs.register.ChunkGrant.Mode;

/**
 * Real replica machines in memory, and rounds run against them one message at a time. Everything is
 * durable at once; a node is left out by {@link #down}.
 */
public final class TestReplicas {
    /** What a test calls a chunk. */
    public static final ChunkId CHUNK = new ChunkId(1);

    public static final SectorRun WHOLE = new SectorRun(0, 8);
    static final SectorRun FIRST = new SectorRun(0, 1);
    private static final RoundTimes TIMES = new RoundTimes(10, 1_000);

    /** Bytes that are only a name. */
    public record Bytes(String name, int length) implements Payload {
        static Bytes of(String name, SectorRun run) {
            return new Bytes(name, run.count() * STORED_SECTOR_BYTES);
        }

        @Override
        public Payload slice(int offset, int sliceLength) {
            return new Bytes(name, sliceLength);
        }
    }

    /** One node. */
    public static final class Replica {
        public final MemoryReplicaTable table = new MemoryReplicaTable();
        final ReplicaRegister<List<RegisterReply>> register = new ReplicaRegister<>(table);
        final List<ReplicaRecord> log = new ArrayList<>();
        long lastReplyPosition;

        final ReplicaEffects<List<RegisterReply>> effects =
                new ReplicaEffects<>() {
                    @Override
                    public long append(ReplicaRecord record) {
                        log.add(record);
                        table.apply(record, log.size());
                        return log.size();
                    }

                    @Override
                    public void reply(List<RegisterReply> to, RegisterReply reply, long position) {
                        lastReplyPosition = position;
                        to.add(reply);
                    }

                    @Override
                    public void replyValues(
                            List<RegisterReply> to, ChunkId chunk, SectorRun run, long position) {
                        lastReplyPosition = position;
                        to.add(new RegisterReply.Values(table.values(chunk, run)));
                    }
                };

        /** The answer to one request of a member. */
        public RegisterReply ask(RegisterRequest request) {
            return ask(request, 0);
        }

        RegisterReply ask(RegisterRequest request, long createdEpoch) {
            return ask(request, new Membership(true, createdEpoch));
        }

        RegisterReply ask(RegisterRequest request, Membership membership) {
            var answers = new ArrayList<RegisterReply>();
            register.onRequest(answers, request, membership, effects);
            register.invariants(table.chunks(), WHOLE);
            return answers.getFirst();
        }

        DropOutcome drop(long epoch, boolean tombstone) {
            return register.onDrop(CHUNK, epoch, tombstone, effects);
        }

        void damage() {
            var _ = register.onDamaged(CHUNK, effects);
        }

        ReplicaState state() {
            return table.state(CHUNK);
        }
    }

    final ReplicaSet set;
    final TreeMap<NodeId, Replica> nodes = new TreeMap<>();
    final List<NodeId> down = new ArrayList<>();
    final List<String> sent = new ArrayList<>();
    long createdEpoch;
    private long counter;
    private long nowNs;

    public TestReplicas(int count) {
        set = new ReplicaSet(IntStream.rangeClosed(1, count).mapToObj(NodeId::new).toList());
        set.nodes().forEach(node -> nodes.put(node, new Replica()));
    }

    public static NodeId n(int number) {
        return new NodeId(number);
    }

    public Replica node(int number) {
        return nodes.get(n(number));
    }

    public ReplicaSet set() {
        return set;
    }

    /** All requests are lost on their way to these nodes, and to no others. */
    public void down(int... numbers) {
        down.clear();
        for (int number : numbers) {
            down.add(n(number));
        }
    }

    public ChunkGrant grant(long epoch, Mode mode) {
        return new ChunkGrant(CHUNK, epoch, set, WHOLE, mode, new SessionId(7));
    }

    public CounterSource counters() {
        return seen -> counter = Math.max(counter, seen) + 1;
    }

    public static RoundTimes times() {
        return TIMES;
    }

    /** Runs a round to its end: messages in the order of nodes, time where nothing moves. */
    public <O> O run(Round<O> round) {
        var outcomes = new ArrayList<O>();
        var queue = new ArrayDeque<Runnable>();
        var effects = effects(round, outcomes, queue);
        nowNs = 0;
        round.start(nowNs, effects);
        return finish(round, outcomes, queue, effects);
    }

    <O> RoundEffects<O> effects(Round<O> round, List<O> outcomes, ArrayDeque<Runnable> queue) {
        return new RoundEffects<>() {
            @Override
            public void send(NodeId to, RegisterRequest request) {
                sent.add(to + " " + request.getClass().getSimpleName());
                if (!down.contains(to)) {
                    queue.add(
                            () ->
                                    round.onReply(
                                            to,
                                            request,
                                            nodes.get(to).ask(request, createdEpoch),
                                            nowNs,
                                            this));
                }
            }

            @Override
            public void finish(O outcome) {
                outcomes.add(outcome);
            }
        };
    }

    <O> O finish(
            Round<O> round, List<O> outcomes, ArrayDeque<Runnable> queue, RoundEffects<O> effects) {
        while (true) {
            while (!queue.isEmpty()) {
                queue.poll().run();
                round.invariants();
            }
            if (!outcomes.isEmpty()) {
                if (outcomes.size() > 1) {
                    throw new AssertionError("finished twice: " + outcomes);
                }
                return outcomes.getFirst();
            }
            nowNs = round.nextDeadlineNs();
            round.onTick(nowNs, effects);
            if (round.nextDeadlineNs() <= nowNs) {
                throw new AssertionError("no progress at " + nowNs);
            }
        }
    }

    /** Seals and opens. */
    public ChunkSession open(long epoch, Mode mode) {
        return open(epoch, mode, null);
    }

    ChunkSession open(long epoch, Mode mode, Hint hint) {
        var grant = grant(epoch, mode);
        var outcome = run(new SealRound(grant, hint, times()));
        if (outcome instanceof SealOutcome.Opened opened) {
            return ChunkSession.opened(grant, opened, counters());
        }
        throw new AssertionError(outcome.toString());
    }

    /** Writes under WRITE. */
    public WriteOutcome write(ChunkSession session, SectorRun run, String value) {
        return run(writeRound(session, run, value));
    }

    WriteRound writeRound(ChunkSession session, SectorRun run, String value) {
        return new WriteRound(session, run, session.nextTimestamp(), Bytes.of(value, run), times());
    }

    /** Reads one sector; null for zeros. */
    public String read(ChunkSession session, int sector) {
        var run = new SectorRun(sector, 1);
        if (session.readPlan(run) instanceof ReadPlan.Ask(var parts)) {
            var outcome = run(new ReadRound(session, run, parts.getFirst().sources(), times()));
            if (outcome instanceof ReadOutcome.Answered answered) {
                return text(answered.values());
            }
            throw new AssertionError(outcome.toString());
        }
        throw new AssertionError(session.readPlan(run).toString());
    }

    static String text(List<ValueRun> values) {
        return values.isEmpty() || values.getFirst().isHole()
                ? null
                : ((Bytes) values.getFirst().payload()).name();
    }
}
