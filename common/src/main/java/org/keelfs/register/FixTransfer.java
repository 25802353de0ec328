package org.keelfs.register;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.RegisterReply.Reason;

/**
 * Brings one replica to given timestamps: FETCHes what differs from replicas that have it, STAGEs
 * it in steps and INSTALLs the rest. Part of a round, which passes it answers and time. Confined to
 * that round.
 */
public final class FixTransfer {
    /** Sectors of one FETCH and one STAGE: with their envelopes half of the largest frame. */
    private static final int STEP_SECTORS = 128;

    /** Fixes of one STAGE; holes and removals weigh little, but not nothing. */
    private static final int STEP_FIXES = 1024;

    /** Sectors that may be fetched in vain to save a request. */
    private static final int GAP_SECTORS = 8;

    /** A replica to copy from, and what it has. */
    public record Source(NodeId node, StampMap stamps) {}

    /** How it ended. */
    public sealed interface Result {
        /** The target is sealed in the epoch with just these contents. */
        record Applied(int allocatedDelta) implements Result {}

        /** The target was sealed already; nothing of this transfer is in place. */
        record Have(long sealed, Digest digest) implements Result {}

        /**
         * What was staged before spoiled the digest, and is dropped: start over from the target's
         * STAMPS.
         */
        record Mismatch() implements Result {}

        /** No source can give what is wanted any more. */
        record NoSource() implements Result {}

        /** Something newer is promised. */
        record Stale(long promised) implements Result {}
    }

    private final ChunkId chunk;
    private final long epoch;
    private final NodeId target;
    private final StampMap have;
    private final List<Source> sources;
    private final @Nullable Digest wanted;
    private final RequestTable requests;
    private final ArrayDeque<Need> needs = new ArrayDeque<>();
    private final List<ValueRun> batch = new ArrayList<>();
    private int batchSectors;
    private Digest digest;
    private @Nullable Need fetching;
    private @Nullable Result result;

    /** Runs to be fetched in one request from one source; without a source they carry no bytes. */
    private record Need(List<StampRun> wanted, @Nullable NodeId source) {
        SectorRun span() {
            return SectorRun.between(wanted.getFirst().run().first(), wanted.getLast().run().end());
        }
    }

    private FixTransfer(
            RegisterRequest.Probe in,
            NodeId target,
            StampMap have,
            List<Source> sources,
            @Nullable Digest wanted,
            Digest digest,
            RoundTimes times) {
        this.chunk = in.chunk();
        this.epoch = in.epoch();
        this.target = target;
        this.have = have;
        this.sources = new ArrayList<>(sources);
        this.wanted = wanted;
        this.digest = digest;
        this.requests = new RequestTable(times);
    }

    /** The target has these contents already, and needs but an INSTALL without fixes. */
    static FixTransfer nothing(
            ChunkId chunk, long epoch, NodeId target, Digest digest, RoundTimes times) {
        return new FixTransfer(
                new RegisterRequest.Probe(chunk, epoch),
                target,
                new StampMap(),
                List.of(),
                digest,
                digest,
                times);
    }

    /**
     * To exactly these contents: a source whose value has another timestamp by now cannot give it.
     */
    static FixTransfer exactly(
            ChunkGrant in,
            NodeId target,
            StampMap have,
            StampMap contents,
            List<Source> sources,
            RoundTimes times) {
        var transfer =
                new FixTransfer(
                        new RegisterRequest.Probe(in.chunk(), in.epoch()),
                        target,
                        have,
                        sources,
                        contents.digest(),
                        have.digest(),
                        times);
        contents.forEachDifference(have, in.whole(), transfer::need);
        return transfer;
    }

    /** To what one source has now, sectors being of different moments. */
    public static FixTransfer likeNow(
            ChunkGrant in, NodeId target, StampMap have, Source source, RoundTimes times) {
        var transfer =
                new FixTransfer(
                        new RegisterRequest.Probe(in.chunk(), in.epoch()),
                        target,
                        have,
                        List.of(source),
                        null,
                        have.digest(),
                        times);
        source.stamps().forEachDifference(have, in.whole(), transfer::need);
        return transfer;
    }

    private void need(StampRun stamp) {
        if (stamp.hole()) {
            needs.add(new Need(List.of(stamp), null));
            return;
        }
        var run = stamp.run();
        for (int at = run.first(); at < run.end(); at += STEP_SECTORS) {
            var part = SectorRun.between(at, Math.min(at + STEP_SECTORS, run.end()));
            addNeed(new StampRun(part, stamp.timestamp(), false));
        }
    }

    private void addNeed(StampRun stamp) {
        var source = sourceOf(stamp);
        var last = needs.peekLast();
        if (last != null
                && source != null
                && source.equals(last.source)
                && stamp.run().first() - last.span().end() <= GAP_SECTORS
                && stamp.run().end() - last.span().first() <= STEP_SECTORS) {
            last.wanted.add(stamp);
        } else if (source == null) {
            result = new Result.NoSource();
        } else {
            needs.add(new Need(new ArrayList<>(List.of(stamp)), source));
        }
    }

    private @Nullable NodeId sourceOf(StampRun stamp) {
        for (Source source : sources) {
            var there = source.stamps().within(stamp.run());
            if (there.size() == 1
                    && there.getFirst().run().equals(stamp.run())
                    && there.getFirst().timestamp().equals(stamp.timestamp())) {
                return source.node();
            }
        }
        return null;
    }

    /** How it ended; null while it goes on. */
    public @Nullable Result result() {
        return result;
    }

    /** Sends the first request. */
    public void start(long nowNs, RoundEffects<?> out) {
        advance(nowNs, out);
    }

    private void advance(long nowNs, RoundEffects<?> out) {
        while (result == null) {
            if (batchSectors >= STEP_SECTORS || batch.size() >= STEP_FIXES) {
                var fixes = List.copyOf(batch);
                requests.ask(target, new RegisterRequest.Stage(chunk, epoch, fixes), nowNs, out);
                return;
            }
            var need = needs.poll();
            if (need == null) {
                install(nowNs, out);
                return;
            }
            if (need.source != null) {
                fetching = need;
                var fetch = new RegisterRequest.Fetch(chunk, epoch, need.span());
                requests.ask(need.source, fetch, nowNs, out);
                return;
            }
            need.wanted.forEach(stamp -> fix(new ValueRun(stamp.run(), stamp.timestamp(), null)));
        }
    }

    private void install(long nowNs, RoundEffects<?> out) {
        Invariant.check(
                wanted == null || wanted.equals(digest), "what is installed is what was wanted");
        requests.ask(
                target,
                new RegisterRequest.Install(chunk, epoch, List.copyOf(batch), digest),
                nowNs,
                out);
    }

    private void fix(ValueRun value) {
        batch.add(value);
        batchSectors += value.isHole() ? 0 : value.run().count();
        for (StampRun old : have.within(value.run())) {
            digest = digest.xor(SectorHash.of(old.run(), old.timestamp()));
        }
        digest = digest.xor(SectorHash.of(value.run(), value.timestamp()));
    }

    /** Whether the answer was for this transfer. */
    public boolean onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<?> out) {
        if (reply instanceof RegisterReply.Refused(Reason reason)
                && reason != Reason.DIGEST_MISMATCH
                && !(request instanceof RegisterRequest.Fetch)) {
            return onFailure(from, request, nowNs);
        }
        if (!requests.take(from, request)) {
            return false;
        }
        switch (reply) {
            case RegisterReply.Values(var values) -> onValues(from, values);
            case RegisterReply.Staged() -> {
                batch.clear();
                batchSectors = 0;
            }
            case RegisterReply.Applied(int delta) -> result = new Result.Applied(delta);
            case RegisterReply.Have(long sealed, var there) ->
                    result = new Result.Have(sealed, there);
            case RegisterReply.Stale(long promised) when promised >= epoch ->
                    result = new Result.Stale(promised);
            case RegisterReply.Refused(Reason reason) when reason == Reason.DIGEST_MISMATCH ->
                    result = new Result.Mismatch();
            default -> otherSource(from);
        }
        advance(nowNs, out);
        return true;
    }

    private void onValues(NodeId from, List<ValueRun> values) {
        var need = fetching;
        Invariant.check(need != null, "values come for a FETCH");
        fetching = null;
        if (wanted != null && !need.wanted.stream().allMatch(stamp -> gives(values, stamp))) {
            fetching = need;
            otherSource(from);
            return;
        }
        for (StampRun stamp : need.wanted) {
            take(values, stamp.run());
        }
    }

    private static boolean gives(List<ValueRun> values, StampRun stamp) {
        int sectors = 0;
        for (ValueRun value : values) {
            if (value.run().overlaps(stamp.run()) && value.timestamp().equals(stamp.timestamp())) {
                sectors += value.run().intersection(stamp.run()).count();
            }
        }
        return sectors == stamp.run().count();
    }

    /** Fixes the run with what the source sent; what it does not have goes. */
    private void take(List<ValueRun> values, SectorRun run) {
        int at = run.first();
        for (ValueRun value : values) {
            if (value.run().overlaps(run)) {
                var part = value.within(run);
                if (part.run().first() > at) {
                    fix(
                            new ValueRun(
                                    SectorRun.between(at, part.run().first()),
                                    Timestamp.ZERO,
                                    null));
                }
                fix(part);
                at = part.run().end();
            }
        }
        if (at < run.end()) {
            fix(new ValueRun(SectorRun.between(at, run.end()), Timestamp.ZERO, null));
        }
    }

    /** This source cannot give what is being fetched: from now on without it. */
    private void otherSource(NodeId source) {
        sources.removeIf(s -> s.node().equals(source));
        var again = new ArrayList<StampRun>();
        if (fetching != null) {
            again.addAll(fetching.wanted);
            fetching = null;
        }
        needs.forEach(need -> again.addAll(need.wanted));
        needs.clear();
        again.forEach(this::need);
    }

    /** No answer will come. Whether the request was of this transfer. */
    public boolean onFailure(NodeId from, RegisterRequest request, long nowNs) {
        return requests.failed(from, request, nowNs);
    }

    /** Sends again what is due; a silent source is replaced if there is another. */
    public void onTick(long nowNs, RoundEffects<?> out) {
        if (result != null) {
            return;
        }
        var silent = requests.resend(nowNs, out);
        if (fetching != null && sources.size() > 1 && silent.contains(fetching.source)) {
            requests.clear();
            otherSource(silent.getFirst());
            advance(nowNs, out);
        }
    }

    /** When {@link #onTick} is due. */
    public long nextDeadlineNs() {
        return result == null ? requests.nextDeadlineNs() : Long.MAX_VALUE;
    }

    /** Nodes that are waited for. */
    public List<NodeId> silent() {
        return result == null ? requests.silent() : List.of();
    }
}
