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
import org.keelfs.register.FixTransfer.Result;
import org.keelfs.register.RegisterReply.Reason;

/**
 * The seal of a chunk in an epoch, run by its one sealer (DESIGN section 4, R3): promises of a
 * majority, the contents T of those of them that were sealed last, INSTALL until a majority is
 * sealed in the epoch. Confined to its chunk's thread or lock. Never start a second one for the
 * same chunk and epoch.
 */
public class SealRound implements Round<SealOutcome> {
    /* 1. PROMISE to all voters.
     * 2. With a majority Q of promises: E = the greatest s in Q, sources = those in Q with s == E. Where their digests
     *    agree, that digest is T's; else their STAMPS are merged, the greatest timestamp a sector. T is frozen here.
     * 3. Each member is brought to T: at once where its digest is T's, else by a FixTransfer, for which T's map and the
     *    member's own STAMPS are asked. Members that differ are left to catch-up while enough others agree.
     * 4. A majority of members sealed: OPEN. A READ may ride behind what seals one of them; it is answered here and not
     *    before (R1).
     * A source that promised but falls silent before T is frozen is left out of Q if a majority remains. */
    private final ChunkGrant grant;
    private final ReplicaSet voters;
    private final @Nullable Hint hint;
    private final boolean copy;
    private final RoundTimes times;
    private final RequestTable requests;
    private final TreeMap<NodeId, Peer> peers = new TreeMap<>();
    private final RegisterRequest.Stamps stampsRequest;
    private List<NodeId> sources = List.of();
    private @Nullable Digest digest;
    private @Nullable StampMap contents;
    private @Nullable RidingRead riding;
    private boolean impatient;
    private boolean finished;

    private static final class Peer {
        RegisterReply.@Nullable Promised promise;

        /** A tombstone or a damaged copy: no vote, and an INSTALL starts from nothing. */
        boolean empty;

        boolean silent;
        boolean installed;
        @Nullable StampMap stamps;
        @Nullable FixTransfer transfer;
    }

    /** Of a chunk whose replica set stays. */
    public SealRound(ChunkGrant grant, @Nullable Hint hint, RoundTimes times) {
        this(grant, grant.set(), hint, times, false);
    }

    /**
     * For a change of the replica set (R9) as well.
     *
     * @param grant its set is the new one, where a majority is installed
     * @param voters the set in force, a majority of which promises
     */
    public SealRound(ChunkGrant grant, ReplicaSet voters, @Nullable Hint hint, RoundTimes times) {
        this(grant, voters, hint, times, false);
    }

    /**
     * In general.
     *
     * @param copy whether it begins with the contents of another chunk, which some replicas may not
     *     have got: those that were never sealed are no source then
     */
    public SealRound(
            ChunkGrant grant,
            ReplicaSet voters,
            @Nullable Hint hint,
            RoundTimes times,
            boolean copy) {
        this.copy = copy;
        this.grant = grant;
        this.voters = voters;
        this.hint = hint;
        this.times = times;
        this.requests = new RequestTable(times);
        this.stampsRequest =
                new RegisterRequest.Stamps(grant.chunk(), grant.epoch(), grant.whole());
        voters.nodes().forEach(node -> peers.put(node, new Peer()));
        grant.set().nodes().forEach(node -> peers.putIfAbsent(node, new Peer()));
    }

    /**
     * Before the start: lets a READ of this run ride along, for somebody who had begun to read by
     * now. {@link SealOutcome.Opened} says what it brought, if anything.
     *
     * @param order replicas to read from, nearest first
     */
    public void letRide(SectorRun run, List<NodeId> order) {
        Invariant.check(grant.mode() != ChunkGrant.Mode.SHARED, "SHARED reads by R8");
        Invariant.check(voters.equals(grant.set()), "a change of the set has no reader");
        riding = new RidingRead(grant, run, order);
    }

    @Override
    public void start(long nowNs, RoundEffects<SealOutcome> out) {
        var promise = new RegisterRequest.Promise(grant.chunk(), grant.epoch(), hint);
        voters.nodes().forEach(node -> requests.ask(node, promise, nowNs, out));
        if (riding != null && hint != null) {
            riding.maybeAsk(voters.nodes(), nowNs, out);
        }
    }

    @Override
    public void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<SealOutcome> out) {
        var peer = peers.get(from);
        if (finished || peer == null) {
            return;
        }
        peer.silent = false;
        if (riding != null && riding.onReply(from, request, reply)) {
            advance(nowNs, out);
            return;
        }
        for (Peer other : peers.values()) {
            if (other.transfer != null
                    && other.transfer.onReply(from, request, reply, nowNs, out)) {
                advance(nowNs, out);
                return;
            }
        }
        boolean refused =
                reply instanceof RegisterReply.Refused(var reason) && reason != Reason.DAMAGED;
        if (refused) {
            onFailure(from, request, nowNs, out);
        } else if (requests.take(from, request)) {
            onAwaited(peer, reply, out);
            advance(nowNs, out);
        }
    }

    private void onAwaited(Peer peer, RegisterReply reply, RoundEffects<SealOutcome> out) {
        switch (reply) {
            case RegisterReply.Promised promised -> peer.promise = promised;
            case RegisterReply.StampsAnswer(var stamps, _, var there) -> {
                var promise = peer.promise;
                if (promise != null && !promise.digest().equals(there)) {
                    // It promised this epoch, so only an INSTALL of this epoch changed it, and not
                    // ours.
                    lost(out);
                }
                peer.stamps = StampMap.of(stamps);
            }
            case RegisterReply.Stale(long promised) when promised >= grant.epoch() ->
                    finish(new StaleEpoch(promised), out);
            case RegisterReply.Stale(_) -> becomeEmpty(peer);
            case RegisterReply.Refused(_) -> becomeEmpty(peer);
            default -> {}
        }
    }

    private static void becomeEmpty(Peer peer) {
        peer.empty = true;
        peer.promise = null;
        peer.stamps = new StampMap();
    }

    private void advance(long nowNs, RoundEffects<SealOutcome> out) {
        if (!finished && digest == null) {
            freeze(nowNs, out);
        }
        if (!finished && digest != null) {
            collectResults(out);
        }
        if (!finished && digest != null) {
            installEverywhere(digest, nowNs, out);
        }
        if (!finished && digest != null && installed().size() >= openingQuorum()) {
            maybeOpen(digest, nowNs, out);
        }
    }

    /** Step 4. */
    private void maybeOpen(Digest frozen, long nowNs, RoundEffects<SealOutcome> out) {
        var sealed = installed();
        var read = riding;
        if (read == null || requests.over(nowNs) || !read.awaited(sealed, nowNs)) {
            var answer = read == null ? null : read.answer(sealed);
            finish(new SealOutcome.Opened(grant.epoch(), sealed, frozen, answer), out);
        }
    }

    /** Members that must be sealed before the chunk is OPEN: a majority. */
    protected int openingQuorum() {
        return grant.set().majority();
    }

    /**
     * A replica is sealed in this epoch, but not by this round: whoever did it lost its state (R3).
     */
    protected boolean sealedByAnother() {
        return true;
    }

    private void lost(RoundEffects<SealOutcome> out) {
        if (sealedByAnother()) {
            finish(new SealOutcome.LostSealerState(), out);
        }
    }

    /** Step 2. */
    private void freeze(long nowNs, RoundEffects<SealOutcome> out) {
        var quorum = quorum();
        if (quorum.size() < voters.majority()) {
            return;
        }
        long greatest = quorum.stream().mapToLong(this::sealedOf).max().orElseThrow();
        if (greatest == 0 && beginsWithContents()) {
            return; // every majority has a replica that can copy: wait for it
        }
        var last = quorum.stream().filter(node -> sealedOf(node) == greatest).toList();
        if (last.stream().map(this::digestOf).distinct().count() == 1) {
            sources = last;
            digest = digestOf(last.getFirst());
            boolean foreign =
                    greatest == grant.epoch() && (hint == null || !hint.digest().equals(digest));
            if (foreign) {
                lost(out);
            }
            return;
        }
        if (greatest == grant.epoch() && sealedByAnother()) {
            lost(out);
            return;
        }
        last.forEach(node -> askStamps(node, nowNs, out));
        if (last.stream().allMatch(node -> peer(node).stamps != null)) {
            sources = last;
            contents = merge(last);
            digest = contents.digest();
        }
    }

    /** A copy: who was never sealed does not know what it begins with. */
    protected boolean beginsWithContents() {
        return copy;
    }

    /** Who promised, without the silent where a majority remains. */
    private List<NodeId> quorum() {
        var promised = new ArrayList<NodeId>();
        var speaking = new ArrayList<NodeId>();
        for (NodeId node : voters.nodes()) {
            if (peer(node).promise != null) {
                promised.add(node);
                if (!peer(node).silent) {
                    speaking.add(node);
                }
            }
        }
        boolean enough =
                speaking.size() >= voters.majority()
                        && (!copy || speaking.stream().anyMatch(node -> sealedOf(node) > 0));
        return enough ? speaking : promised;
    }

    private StampMap merge(List<NodeId> nodes) {
        var merged = new StampMap();
        for (NodeId node : nodes) {
            for (StampRun stamp : stampsOf(node).runs()) {
                merged.putGreater(stamp.run(), stamp.timestamp(), stamp.hole());
            }
        }
        return merged;
    }

    private void collectResults(RoundEffects<SealOutcome> out) {
        for (Peer peer : peers.values()) {
            var result = peer.transfer == null ? null : peer.transfer.result();
            if (result == null || peer.installed) {
                continue;
            }
            switch (result) {
                case Result.Applied(_) -> peer.installed = true;
                case Result.Have(long sealed, var there) -> onHave(peer, sealed, there, out);
                case Result.Mismatch() -> {
                    peer.transfer = null;
                    peer.stamps = null;
                    // What was staged is dropped; a source's map is asked for again like the rest.
                }
                case Result.NoSource() -> {}
                case Result.Stale(long promised) -> finish(new StaleEpoch(promised), out);
            }
        }
    }

    private void onHave(Peer peer, long sealed, Digest there, RoundEffects<SealOutcome> out) {
        if (sealed > grant.epoch()) {
            finish(new StaleEpoch(sealed), out);
        } else if (there.equals(digest)) {
            peer.installed = true;
        } else {
            peer.installed = true; // counts only where this does not end the round
            lost(out);
        }
    }

    /** Step 3. */
    private void installEverywhere(Digest wanted, long nowNs, RoundEffects<SealOutcome> out) {
        int equal = 0;
        var sealing = new ArrayList<NodeId>();
        for (NodeId node : grant.set().nodes()) {
            var peer = peer(node);
            var promise = peer.promise;
            if (promise != null && promise.digest().equals(wanted)) {
                equal++;
                sealing.add(node);
                if (promise.sealed() == grant.epoch()) {
                    peer.installed = true;
                } else if (peer.transfer == null) {
                    begin(
                            peer,
                            FixTransfer.nothing(grant.chunk(), grant.epoch(), node, wanted, times),
                            nowNs,
                            out);
                }
            }
        }
        if (riding != null) {
            riding.maybeAsk(sealing, nowNs, out);
        }
        if (equal < grant.set().majority() || impatient) {
            grant.set().nodes().forEach(node -> maybeFix(node, nowNs, out));
        }
    }

    private void maybeFix(NodeId node, long nowNs, RoundEffects<SealOutcome> out) {
        var peer = peer(node);
        boolean unheard = peer.promise == null && !peer.empty && voters.contains(node);
        if (peer.transfer != null || peer.installed || unheard) {
            return;
        }
        learnContents(nowNs, out);
        if (peer.stamps == null) {
            askStamps(node, nowNs, out);
        }
        if (contents != null && peer.stamps != null) {
            var from = new ArrayList<FixTransfer.Source>();
            for (NodeId source : sources) {
                var stamps = peer(source).stamps;
                if (stamps != null) {
                    from.add(new FixTransfer.Source(source, stamps));
                } else if (frozenByDigest()) {
                    from.add(new FixTransfer.Source(source, contents));
                }
            }
            begin(
                    peer,
                    FixTransfer.exactly(grant, node, peer.stamps, contents, from, times),
                    nowNs,
                    out);
        }
    }

    /** All sources have T itself. */
    private boolean frozenByDigest() {
        return sources.stream().allMatch(node -> digestOf(node).equals(digest));
    }

    /** T's map, where T is known by its digest only: any source's. */
    private void learnContents(long nowNs, RoundEffects<SealOutcome> out) {
        for (NodeId source : sources) {
            if (contents == null && peer(source).stamps != null) {
                contents = peer(source).stamps;
            }
        }
        if (contents == null) {
            sources.forEach(source -> askStamps(source, nowNs, out));
        }
    }

    private void begin(Peer peer, FixTransfer transfer, long nowNs, RoundEffects<SealOutcome> out) {
        peer.transfer = transfer;
        transfer.start(nowNs, out);
    }

    private void askStamps(NodeId node, long nowNs, RoundEffects<SealOutcome> out) {
        if (peer(node).stamps == null && !requests.waitsFor(node)) {
            requests.ask(node, stampsRequest, nowNs, out);
        }
    }

    @Override
    public void onFailure(
            NodeId from, RegisterRequest request, long nowNs, RoundEffects<SealOutcome> out) {
        if (riding != null && riding.onFailure(from, request)) {
            advance(nowNs, out);
            return;
        }
        for (Peer peer : peers.values()) {
            if (peer.transfer != null && peer.transfer.onFailure(from, request, nowNs)) {
                return;
            }
        }
        var _ = requests.failed(from, request, nowNs);
    }

    @Override
    public void onTick(long nowNs, RoundEffects<SealOutcome> out) {
        if (finished) {
            return;
        }
        if (requests.over(nowNs)) {
            advance(nowNs, out); // OPEN, if only the riding read was waited for
            finish(new QuorumLost(silent()), out);
            return;
        }
        var silent = requests.resend(nowNs, out);
        silent.forEach(node -> peer(node).silent = true);
        for (Peer peer : peers.values()) {
            if (peer.transfer != null && peer.transfer.nextDeadlineNs() <= nowNs) {
                peer.transfer.onTick(nowNs, out);
                impatient = true;
            }
        }
        advance(nowNs, out);
    }

    private List<NodeId> silent() {
        var nodes = new TreeSet<NodeId>(requests.silent());
        for (Peer peer : peers.values()) {
            if (peer.transfer != null) {
                nodes.addAll(peer.transfer.silent());
            }
        }
        return List.copyOf(nodes);
    }

    private void finish(SealOutcome outcome, RoundEffects<SealOutcome> out) {
        if (!finished) {
            finished = true;
            requests.clear();
            out.finish(outcome);
        }
    }

    @Override
    public long nextDeadlineNs() {
        if (finished) {
            return Long.MAX_VALUE;
        }
        long next = requests.nextDeadlineNs();
        if (riding != null) {
            next = Math.min(next, riding.nextDeadlineNs());
        }
        for (Peer peer : peers.values()) {
            if (peer.transfer != null) {
                next = Math.min(next, peer.transfer.nextDeadlineNs());
            }
        }
        return next;
    }

    private List<NodeId> installed() {
        return grant.set().nodes().stream().filter(node -> peer(node).installed).toList();
    }

    private Peer peer(NodeId node) {
        var peer = peers.get(node);
        Invariant.check(peer != null, "%s takes part in %s", node, grant);
        return peer;
    }

    private long sealedOf(NodeId node) {
        var promise = peer(node).promise;
        Invariant.check(promise != null, "%s promised", node);
        return promise.sealed();
    }

    private Digest digestOf(NodeId node) {
        var promise = peer(node).promise;
        Invariant.check(promise != null, "%s promised", node);
        return promise.digest();
    }

    private StampMap stampsOf(NodeId node) {
        var stamps = peer(node).stamps;
        Invariant.check(stamps != null, "%s sent its timestamps", node);
        return stamps;
    }

    @Override
    public void invariants() {
        Invariant.check(
                contents == null || contents.digest().equals(digest), "T is frozen in %s", grant);
        Invariant.check(
                finished || installed().isEmpty() || digest != null,
                "nothing is installed before T");
    }
}
