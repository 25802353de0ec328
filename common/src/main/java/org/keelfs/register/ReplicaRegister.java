package org.keelfs.register;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.keelfs.register.RegisterReply.Reason;
import org.keelfs.register.RegisterReply.Refused;
import org.keelfs.register.RegisterRequest.Fetch;
import org.keelfs.register.RegisterRequest.Install;
import org.keelfs.register.RegisterRequest.Probe;
import org.keelfs.register.RegisterRequest.Promise;
import org.keelfs.register.RegisterRequest.Read;
import org.keelfs.register.RegisterRequest.Stage;
import org.keelfs.register.RegisterRequest.Stamps;
import org.keelfs.register.RegisterRequest.Write;
import org.keelfs.register.ReplicaState.Status;

/**
 * The storage node's side of every register: DESIGN section 4, "What a node answers", R11 and R12.
 * Confined to the thread that owns the table; it keeps nothing itself. Next: {@link
 * ReplicaEffects}, which the node's service carries out.
 *
 * @param <R> the driver's token for one request
 */
public class ReplicaRegister<R> {
    /* Every reply travels with the position that makes durable what it lets the client conclude: the promise and the
     * seal always, the sectors whose timestamps decided it, the whole chunk where a digest is told. Positions only grow,
     * so a reply behind an append of this call needs that append's position and no other. */
    private final ReplicaTable table;

    public ReplicaRegister(ReplicaTable table) {
        this.table = table;
    }

    /** Answers one request, now or later, exactly once. */
    public void onRequest(
            R token, RegisterRequest request, Membership membership, ReplicaEffects<R> out) {
        if (!membership.member()) {
            out.reply(token, new Refused(Reason.NOT_A_MEMBER), 0);
            return;
        }
        var state = table.state(request.chunk());
        if (state == null) {
            onUnknown(token, request, membership, out);
        } else if (state.status() != Status.LIVE) {
            onUnusable(token, request, state, out);
        } else if (fenced(request, state)) {
            out.reply(
                    token,
                    new RegisterReply.Stale(state.promised()),
                    table.sealPosition(request.chunk()));
        } else if (lacksOrigin(membership, state)) {
            onUncopied(token, request, state, out);
        } else {
            answer(token, request, begun(request, membership, state), out);
        }
    }

    /* A copy of a frozen chunk begins with the contents of its origin where another chunk begins with zeros. Its
     * replicas get them from the origin's replica at the same node, and are sealed in the copy's created epoch then, in
     * which nothing is ever written. What is above that was sealed on top of the contents, so a replica that copies late
     * never hides a write. One that can copy does so before it votes. One whose origin is behind votes without: its
     * driver leaves the origin out, and the sealer takes no majority of such votes for zeros (SealRound). */

    /** Whether this replica has yet to get what the copy begins with. */
    protected boolean lacksOrigin(Membership membership, ReplicaState state) {
        return membership.origin() != null && state.status() == Status.LIVE && state.sealed() == 0;
    }

    /**
     * No vote yet, and no promise: one above the created epoch would keep the contents out. A
     * healer may bring them (STAMPS, FETCH, STAGE, INSTALL), from a replica that has them.
     */
    private void onUncopied(
            R token, RegisterRequest request, ReplicaState state, ReplicaEffects<R> out) {
        switch (request) {
            case Promise _, Probe _ -> out.reply(token, new Refused(Reason.UNCOPIED), 0);
            case Read _, Write _ -> out.reply(token, new RegisterReply.Unsealed(0), 0);
            case Stamps _, Fetch _, Stage _, Install _ -> answer(token, request, state, out);
        }
    }

    /**
     * Whether a request is to wait until the driver has tried to bring the origin's contents:
     * {@link #frozen} at the origin, then {@link #onCopy} here. Where they are not, it is carried
     * out as if there were no origin.
     */
    public boolean wantsCopy(RegisterRequest request, Membership membership) {
        boolean votes = request instanceof Promise || request instanceof Stamps;
        var known = table.state(request.chunk());
        boolean stale = known == null ? request.epoch() <= table.floor() : fenced(request, known);
        return votes
                && membership.member()
                && !stale
                && lacksOrigin(membership, known == null ? ReplicaState.UNKNOWN : known);
    }

    /**
     * The digest of the frozen contents; null where this node does not have them: its replica of
     * the origin missed the seal after which nobody wrote it any more.
     */
    public @Nullable Digest frozen(Membership.Origin origin) {
        var state = table.state(origin.chunk());
        return state != null
                        && state.status() == Status.LIVE
                        && state.sealed() >= origin.frozenEpoch()
                ? state.digest()
                : null;
    }

    /**
     * Contents of the origin, taken from this node's replica of it: some STAGEs and then an INSTALL
     * in the copy's created epoch. The floor does not matter: the request that wants the copy is
     * above it.
     *
     * @param first whether the copy may be unknown here: later it is not, or it was dropped
     */
    public void onCopy(R token, RegisterRequest step, boolean first, ReplicaEffects<R> out) {
        var known = table.state(step.chunk());
        var state = known == null ? ReplicaState.UNKNOWN : known;
        boolean lost = known == null && !first;
        boolean empty = state.status() == Status.LIVE && state.sealed() == 0;
        Invariant.check(step instanceof Stage || step instanceof Install, "%s copies", step);
        if (lost || !empty || state.promised() > step.epoch()) {
            out.reply(token, new Refused(Reason.UNCOPIED), 0);
        } else {
            answer(token, step, state, out);
        }
    }

    /**
     * A new chunk needs no seal (R11): a WRITE in its creation epoch finds it sealed in that epoch,
     * also where a query of that epoch came before and made it known. Never sealed, it holds
     * nothing yet.
     */
    private static ReplicaState begun(
            RegisterRequest request, Membership membership, ReplicaState state) {
        boolean begins =
                request instanceof Write
                        && membership.createdEpoch() == request.epoch()
                        && state.sealed() == 0;
        return begins ? ReplicaState.sealedIn(request.epoch(), Digest.EMPTY) : state;
    }

    /**
     * Whether something newer than the operation's epoch is promised. The values' epochs do not
     * matter.
     */
    protected boolean fenced(RegisterRequest request, ReplicaState state) {
        return request.epoch() < state.promised();
    }

    /** R11: unknown means never had, unless the epoch is not above the floor. */
    private void onUnknown(
            R token, RegisterRequest request, Membership membership, ReplicaEffects<R> out) {
        if (request.epoch() <= table.floor()) {
            out.reply(token, new RegisterReply.Stale(table.floor()), table.floorPosition());
        } else if (request instanceof Read || request instanceof Probe) {
            out.reply(token, new Refused(Reason.UNKNOWN_CHUNK), 0);
        } else if (lacksOrigin(membership, ReplicaState.UNKNOWN)) {
            onUncopied(token, request, ReplicaState.UNKNOWN, out);
        } else {
            answer(token, request, begun(request, membership, ReplicaState.UNKNOWN), out);
        }
    }

    /**
     * R11 and R12: a tombstone or a damaged copy has no vote and takes only an INSTALL of a later
     * epoch, with what was staged for it; its promise does not move before that.
     */
    private void onUnusable(
            R token, RegisterRequest request, ReplicaState state, ReplicaEffects<R> out) {
        ChunkId chunk = request.chunk();
        boolean later = request.epoch() > state.promised();
        if (later && request instanceof Install install) {
            install(token, install, state, out);
        } else if (later && request instanceof Stage(var _, long epoch, var fixes)) {
            long position = out.append(new ReplicaRecord.Stage(chunk, state, epoch, fixes));
            out.reply(token, new RegisterReply.Staged(), position);
        } else if (state.status() == Status.TOMBSTONE || request.epoch() < state.promised()) {
            out.reply(token, new RegisterReply.Stale(state.promised()), table.sealPosition(chunk));
        } else {
            out.reply(token, new Refused(Reason.DAMAGED), 0);
        }
    }

    /** The request's epoch is not below p; p rises to it, durably before the reply. */
    private void answer(
            R token, RegisterRequest request, ReplicaState state, ReplicaEffects<R> out) {
        switch (request) {
            case Promise promise -> promise(token, promise, state, out);
            case Stamps(var chunk, long epoch, var range) -> {
                raise(chunk, epoch, state, out);
                out.reply(
                        token,
                        new RegisterReply.StampsAnswer(
                                table.stamps(chunk, range), state.sealed(), state.digest()),
                        table.position(chunk));
            }
            case Fetch(var chunk, long epoch, var run) -> {
                raise(chunk, epoch, state, out);
                out.replyValues(token, chunk, run, runPosition(chunk, run));
            }
            case Stage stage -> stage(token, stage, state, out);
            case Install install -> install(token, install, state, out);
            case Write write -> write(token, write, state, out);
            case Read(var chunk, long epoch, var run) -> {
                raise(chunk, epoch, state, out);
                if (state.sealed() == epoch) {
                    out.replyValues(token, chunk, run, runPosition(chunk, run));
                } else {
                    unsealed(token, chunk, state, out);
                }
            }
            case Probe(var chunk, long epoch) -> {
                raise(chunk, epoch, state, out);
                out.reply(token, new RegisterReply.ProbeOk(), table.sealPosition(chunk));
            }
        }
    }

    private void promise(R token, Promise promise, ReplicaState state, ReplicaEffects<R> out) {
        ChunkId chunk = promise.chunk();
        var next = state.promising(promise.epoch());
        var hint = promise.hint();
        if (hint != null
                && hint.sealed() == state.sealed()
                && hint.digest().equals(state.digest())) {
            next = ReplicaState.sealedIn(promise.epoch(), state.digest());
        }
        if (!next.equals(state)) {
            append(new ReplicaRecord.State(chunk, next), out);
        }
        out.reply(
                token,
                new RegisterReply.Promised(next.sealed(), next.digest()),
                table.position(chunk));
    }

    private void stage(R token, Stage stage, ReplicaState state, ReplicaEffects<R> out) {
        ChunkId chunk = stage.chunk();
        if (state.sealed() >= stage.epoch()) {
            out.reply(
                    token,
                    new RegisterReply.Have(state.sealed(), state.digest()),
                    table.position(chunk));
            return;
        }
        var next = state.promising(stage.epoch());
        long position =
                out.append(new ReplicaRecord.Stage(chunk, next, stage.epoch(), stage.fixes()));
        out.reply(token, new RegisterReply.Staged(), position);
    }

    private void install(R token, Install install, ReplicaState state, ReplicaEffects<R> out) {
        ChunkId chunk = install.chunk();
        if (state.status() == Status.LIVE && state.sealed() >= install.epoch()) {
            out.reply(
                    token,
                    new RegisterReply.Have(state.sealed(), state.digest()),
                    table.position(chunk));
            return;
        }
        var staged = table.staged(chunk, install.epoch());
        var change = new Change(table, chunk, state.status() == Status.LIVE);
        staged.forEach(fix -> change.replace(fix.run(), fix.timestamp(), fix.hole()));
        install.fixes().forEach(fix -> change.replace(fix.run(), fix.timestamp(), fix.isHole()));
        if (!change.digest(state.digest()).equals(install.digest())) {
            if (!staged.isEmpty()) {
                append(new ReplicaRecord.Unstage(chunk), out);
            }
            out.reply(token, new Refused(Reason.DIGEST_MISMATCH), 0);
            return;
        }
        int allocatedDelta = change.allocatedDelta(); // before the table shows the record
        long position =
                out.append(
                        new ReplicaRecord.Install(
                                chunk,
                                ReplicaState.sealedIn(install.epoch(), install.digest()),
                                install.fixes()));
        out.reply(token, new RegisterReply.Applied(allocatedDelta), position);
    }

    private void write(R token, Write write, ReplicaState state, ReplicaEffects<R> out) {
        ChunkId chunk = write.chunk();
        SectorRun run = write.run();
        if (state.sealed() != write.epoch()) {
            raise(chunk, write.epoch(), state, out);
            unsealed(token, chunk, state, out);
            return;
        }
        Invariant.check(
                write.timestamp().isAfter(Timestamp.ZERO), "a written value has a timestamp");
        var wins = new ArrayList<ValueRun>();
        Digest digest = state.digest();
        int allocatedDelta = 0;
        for (StampRun there : StampMap.cover(run, table.stamps(chunk, run))) {
            int order = write.timestamp().compareTo(there.timestamp());
            boolean replaces = write.repair() && order == 0 && !there.hole();
            boolean damaged = order <= 0 && (replaces || table.damaged(chunk, there.run()));
            if (order < 0 && damaged) {
                out.reply(token, new Refused(Reason.DAMAGED), 0);
                return;
            }
            if (order > 0 || damaged) {
                wins.add(part(write, there.run()));
                digest =
                        digest.xor(SectorHash.of(there.run(), there.timestamp()))
                                .xor(SectorHash.of(there.run(), write.timestamp()));
                allocatedDelta += allocation(there, write.payload());
            }
        }
        if (!wins.isEmpty()) {
            var next = ReplicaState.sealedIn(write.epoch(), digest);
            append(new ReplicaRecord.Put(chunk, next, wins), out);
        }
        out.reply(token, new RegisterReply.Stored(allocatedDelta), runPosition(chunk, run));
    }

    private static ValueRun part(Write write, SectorRun part) {
        return new ValueRun(write.run(), write.timestamp(), write.payload()).within(part);
    }

    private static int allocation(StampRun there, @Nullable Payload payload) {
        int after = payload == null ? 0 : 1;
        int before = there.hole() ? 0 : 1;
        return (after - before) * there.run().count();
    }

    private void unsealed(R token, ChunkId chunk, ReplicaState state, ReplicaEffects<R> out) {
        out.reply(token, new RegisterReply.Unsealed(state.sealed()), table.sealPosition(chunk));
    }

    /** Makes p at least the epoch; the table's positions show it from now on. */
    private void raise(ChunkId chunk, long epoch, ReplicaState state, ReplicaEffects<R> out) {
        if (epoch > state.promised()) {
            append(new ReplicaRecord.State(chunk, state.promising(epoch)), out);
        }
    }

    /** What {@link ReplicaTable} now says of its position suffices. */
    private static <R> void append(ReplicaRecord record, ReplicaEffects<R> out) {
        long position = out.append(record);
        Invariant.check(position > 0, "positions of the log begin above 0");
    }

    private long runPosition(ChunkId chunk, SectorRun run) {
        return Math.max(table.sealPosition(chunk), table.position(chunk, run));
    }

    /**
     * Forgets a chunk, or gives it away (R11).
     *
     * @param fencedEpoch for a tombstone the epoch of the commit that moved the chunk away; for a
     *     deletion the epoch of the fence, 0 when nobody could reach the chunk any more
     */
    public DropOutcome onDrop(
            ChunkId chunk, long fencedEpoch, boolean tombstone, ReplicaEffects<R> out) {
        var known = table.state(chunk);
        if (tombstone) {
            return entomb(chunk, fencedEpoch, known == null ? ReplicaState.UNKNOWN : known, out);
        }
        long position = Math.max(table.floorPosition(), table.position(chunk));
        if (fencedEpoch > table.floor()) {
            position = out.append(new ReplicaRecord.Floor(fencedEpoch));
        }
        if (known != null) {
            // After the floor: a crash between the two must not leave an unknown chunk without it.
            position = out.append(new ReplicaRecord.Drop(chunk));
        }
        return new DropOutcome.Dropped(position);
    }

    private DropOutcome entomb(
            ChunkId chunk, long epoch, ReplicaState state, ReplicaEffects<R> out) {
        if (epoch < state.promised()) {
            return new DropOutcome.StaleOrder(state.promised());
        }
        if (state.status() == Status.TOMBSTONE && state.promised() == epoch) {
            return new DropOutcome.Dropped(table.position(chunk));
        }
        var tombstone = new ReplicaState(Status.TOMBSTONE, epoch, 0, Digest.EMPTY);
        return new DropOutcome.Dropped(out.append(new ReplicaRecord.Tombstone(chunk, tombstone)));
    }

    /**
     * The store found that acknowledged data of this chunk is lost here: it keeps p and answers
     * nothing until a later epoch is installed (R12). Returns the position that makes it durable.
     */
    public long onDamaged(ChunkId chunk, ReplicaEffects<R> out) {
        var state = table.state(chunk);
        if (state == null || state.status() != Status.LIVE) {
            return table.position(chunk);
        }
        var damaged = new ReplicaState(Status.DAMAGED, state.promised(), 0, Digest.EMPTY);
        return out.append(new ReplicaRecord.State(chunk, damaged));
    }

    /** Laws of the table that must hold between any two inputs, over the chunks given. */
    public void invariants(List<ChunkId> chunks, SectorRun whole) {
        for (ChunkId chunk : chunks) {
            var state = table.state(chunk);
            if (state != null) {
                Invariant.check(state.sealed() <= state.promised(), "s <= p of %s", chunk);
                Invariant.check(
                        StampMap.of(table.stamps(chunk, whole)).digest().equals(state.digest()),
                        "digest of %s is that of its sectors",
                        chunk);
            }
        }
    }

    /** Fixes laid over what is in place: the digest and the allocation that would come out. */
    private static final class Change {
        /** Stands in {@link #laid} for a fix that removes; no value has it. */
        private static final Timestamp REMOVED = new Timestamp(0, 0, 1);

        private final ReplicaTable table;
        private final ChunkId chunk;
        private final boolean overPlace;
        private final StampMap laid = new StampMap();

        Change(ReplicaTable table, ChunkId chunk, boolean overPlace) {
            this.table = table;
            this.chunk = chunk;
            this.overPlace = overPlace;
        }

        void replace(SectorRun run, Timestamp timestamp, boolean hole) {
            laid.put(run, timestamp.equals(Timestamp.ZERO) ? REMOVED : timestamp, hole);
        }

        Digest digest(Digest before) {
            var digest = before;
            for (StampRun fix : laid.runs()) {
                for (StampRun there : inPlace(fix.run())) {
                    digest = digest.xor(SectorHash.of(there.run(), there.timestamp()));
                }
                if (!fix.timestamp().equals(REMOVED)) {
                    digest = digest.xor(SectorHash.of(fix.run(), fix.timestamp()));
                }
            }
            return digest;
        }

        int allocatedDelta() {
            int delta = 0;
            for (StampRun fix : laid.runs()) {
                for (StampRun there : inPlace(fix.run())) {
                    delta -= there.hole() ? 0 : there.run().count();
                }
                delta += fix.hole() ? 0 : fix.run().count();
            }
            return delta;
        }

        private List<StampRun> inPlace(SectorRun run) {
            return overPlace ? table.stamps(chunk, run) : List.of();
        }
    }
}
