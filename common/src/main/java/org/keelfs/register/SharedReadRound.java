package org.keelfs.register;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.register.RegisterReply.Reason;

/** A read in SHARED mode (R8). Confined to its chunk's thread or lock. */
public final class SharedReadRound extends AskingRound<ReadOutcome> {
    /* The read of multi-writer ABD [1] with one saving: one replica sends bytes, the others only timestamps. If all of a
     * majority agree, the value is already on a majority and need not be imposed; else the greatest is, with its original
     * timestamp, before we answer. Answering first would let a later read see an older value. Only replicas sealed in the
     * epoch count.       [1] Lynch, Shvartsman: Robust emulation of shared memory using dynamic quorum-acknowledged
     * broadcasts */
    private final ChunkSession session;
    private final ChunkGrant grant;
    private final ReplicaSet set;
    private final RegisterRequest.Read read;
    private final RegisterRequest.Stamps query;
    private final TreeMap<NodeId, StampMap> known = new TreeMap<>();
    private final TreeMap<Integer, ValueRun> values = new TreeMap<>();
    private final TreeSet<NodeId> noBytes = new TreeSet<>();
    private final TreeSet<NodeId> damaged = new TreeSet<>();
    private final List<NodeId> order;
    private @Nullable NodeId reading;

    /** Who sent values last: of a damaged one most likely its sender. */
    private @Nullable NodeId readFrom;

    /**
     * @param order replicas to ask for bytes, nearest first; all of the set
     */
    public SharedReadRound(
            ChunkSession session, SectorRun run, List<NodeId> order, RoundTimes times) {
        super(times);
        this.session = session;
        this.grant = session.grant();
        Invariant.check(grant.mode() == ChunkGrant.Mode.SHARED, "reads of R8 are for SHARED");
        Invariant.check(order.size() == grant.set().size(), "all replicas can be asked");
        this.set = grant.set();
        this.read = new RegisterRequest.Read(grant.chunk(), grant.epoch(), run);
        this.query = new RegisterRequest.Stamps(grant.chunk(), grant.epoch(), run);
        this.order = List.copyOf(order);
    }

    @Override
    public void start(long nowNs, RoundEffects<ReadOutcome> out) {
        for (NodeId node : order) {
            if (reading == null) {
                reading = node;
                requests().ask(node, read, nowNs, out);
            } else {
                requests().ask(node, query, nowNs, out);
            }
        }
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<ReadOutcome> out) {
        if (isFinished()) {
            return;
        }
        switch (reply) {
            case RegisterReply.Values(var found) -> {
                if (requests().take(from, request)) {
                    reading = null;
                    onValues(from, found);
                }
            }
            case RegisterReply.StampsAnswer(var stamps, long sealed, _)
                    when sealed == grant.epoch() -> {
                if (requests().take(from, request)) {
                    known.put(from, StampMap.of(stamps));
                }
            }
            case RegisterReply.Stored(_) -> onImposed(from, request);
            case RegisterReply.Stale(long promised) when promised >= grant.epoch() -> {
                session.onStale(promised);
                finish(new StaleEpoch(promised), out);
            }
            case RegisterReply.Refused(Reason reason)
                    when reason == Reason.DAMAGED && request.equals(read) -> {
                damaged.add(from);
                onFailure(from, request, nowNs, out);
            }
            default -> onFailure(from, request, nowNs, out);
        }
        advance(nowNs, out);
    }

    private void onValues(NodeId from, List<ValueRun> found) {
        readFrom = from;
        var stamps = new StampMap();
        for (ValueRun value : found) {
            stamps.put(value.run(), value.timestamp(), value.isHole());
            for (int sector = value.run().first(); sector < value.run().end(); sector++) {
                var one = value.within(new SectorRun(sector, 1));
                values.merge(sector, one, (a, b) -> b.timestamp().isAfter(a.timestamp()) ? b : a);
            }
        }
        known.put(from, stamps);
    }

    private void onImposed(NodeId from, RegisterRequest request) {
        var stamps = known.get(from);
        if (stamps != null
                && requests().take(from, request)
                && request instanceof RegisterRequest.Write write) {
            stamps.putGreater(write.run(), write.timestamp(), write.payload() == null);
        }
    }

    /** Goes on as far as what is known allows. */
    private void advance(long nowNs, RoundEffects<ReadOutcome> out) {
        if (isFinished() || known.size() < set.majority()) {
            return;
        }
        var greatest = new StampMap();
        for (StampMap stamps : known.values()) {
            for (StampRun stamp : stamps.runs()) {
                greatest.putGreater(stamp.run(), stamp.timestamp(), stamp.hole());
            }
        }
        int lackingAt = firstWithoutBytes(greatest);
        if (lackingAt >= 0) {
            askBytes(lackingAt, greatest, nowNs, out);
            return;
        }
        long agreeing =
                known.values().stream().filter(has -> lacking(has, greatest).isEmpty()).count();
        if (agreeing >= set.majority()) {
            answer(greatest, out);
        } else {
            known.forEach((node, has) -> impose(node, lacking(has, greatest), nowNs, out));
        }
    }

    private List<StampRun> lacking(StampMap has, StampMap greatest) {
        var lacking = new ArrayList<StampRun>();
        greatest.forEachDifference(has, read.run(), lacking::add);
        return lacking;
    }

    /** The first sector whose greatest timestamp came without its bytes so far; -1 when none. */
    private int firstWithoutBytes(StampMap greatest) {
        for (StampRun stamp : greatest.runs()) {
            for (int sector = stamp.run().first();
                    !stamp.hole() && sector < stamp.run().end();
                    sector++) {
                var value = values.get(sector);
                if (value == null || !value.timestamp().equals(stamp.timestamp())) {
                    return sector;
                }
            }
        }
        return -1;
    }

    /** Asks a replica that has the greatest timestamp of this sector for the run; one at a time. */
    private void askBytes(
            int sector, StampMap greatest, long nowNs, RoundEffects<ReadOutcome> out) {
        for (NodeId node : order) {
            var has = known.get(node);
            if (reading == null
                    && has != null
                    && !noBytes.contains(node)
                    && has.at(sector).equals(greatest.at(sector))) {
                reading = node;
                requests().ask(node, read, nowNs, out);
            }
        }
    }

    private void impose(
            NodeId node, List<StampRun> lacking, long nowNs, RoundEffects<ReadOutcome> out) {
        if (requests().waitsFor(node)) {
            return;
        }
        for (StampRun stamp : lacking) {
            if (stamp.hole()) {
                send(node, new ValueRun(stamp.run(), stamp.timestamp(), null), nowNs, out);
            } else {
                values.subMap(stamp.run().first(), stamp.run().end())
                        .values()
                        .forEach(value -> send(node, value, nowNs, out));
            }
        }
    }

    private void send(NodeId node, ValueRun value, long nowNs, RoundEffects<ReadOutcome> out) {
        var write =
                new RegisterRequest.Write(
                        grant.chunk(),
                        grant.epoch(),
                        value.run(),
                        value.timestamp(),
                        value.payload());
        requests().ask(node, write, nowNs, out);
    }

    private void answer(StampMap greatest, RoundEffects<ReadOutcome> out) {
        var answer = new ArrayList<ValueRun>();
        for (StampRun stamp : greatest.runs()) {
            if (stamp.hole()) {
                answer.add(new ValueRun(stamp.run(), stamp.timestamp(), null));
            } else {
                answer.addAll(values.subMap(stamp.run().first(), stamp.run().end()).values());
            }
        }
        NodeId source = readFrom == null ? known.firstKey() : readFrom;
        finish(new ReadOutcome.Answered(answer, source, List.copyOf(damaged)), out);
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest request, long nowNs, RoundEffects<ReadOutcome> out) {
        if (isFinished()) {
            return;
        }
        if (request.equals(read) && from.equals(reading)) {
            bytesElsewhere(from, nowNs, out);
            advance(nowNs, out);
        } else {
            var _ = requests().failed(from, request, nowNs);
        }
    }

    /**
     * This replica is asked for its timestamps at most; before a majority is known, another for
     * bytes.
     */
    private void bytesElsewhere(NodeId node, long nowNs, RoundEffects<ReadOutcome> out) {
        var _ = requests().take(node, read);
        noBytes.add(node);
        reading = null;
        if (!known.containsKey(node)) {
            requests().ask(node, query, nowNs, out);
        }
    }

    @Override
    protected ReadOutcome timedOut(List<NodeId> silent) {
        return new QuorumLost(silent);
    }

    @Override
    protected void onSilent(List<NodeId> nodes, long nowNs, RoundEffects<ReadOutcome> out) {
        if (reading == null) {
            noBytes.clear(); // whoever failed may be back
        } else if (nodes.contains(reading)) {
            bytesElsewhere(reading, nowNs, out);
        }
        advance(nowNs, out);
    }

    @Override
    public void invariants() {
        known.values().forEach(StampMap::invariants);
    }
}
