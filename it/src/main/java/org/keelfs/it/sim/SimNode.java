package org.keelfs.it.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.keelfs.base.Invariant;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.SectorRun;
import org.keelfs.register.Membership;
import org.keelfs.register.MemoryReplicaTable;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.register.ReplicaRegister;

/** A storage node: the real replica machine over a table in memory and a disk that forgets. */
final class SimNode {
    private static final long SYNC_MIN_NS = 500;
    private static final long SYNC_MAX_NS = 6_000;

    final NodeId id;
    private final SimCluster cluster;
    private final SimDisk disk = new SimDisk();
    private final List<Waiting> waiting = new ArrayList<>();
    private MemoryReplicaTable table = new MemoryReplicaTable();
    private ReplicaRegister<Consumer<RegisterReply>> register;
    private boolean up = true;
    private boolean syncing;
    private int incarnation;

    private record Waiting(long position, Runnable action) {}

    SimNode(NodeId id, SimCluster cluster) {
        this.id = id;
        this.cluster = cluster;
        this.register = cluster.rules.replica(table);
    }

    boolean up() {
        return up;
    }

    /** A request arrives; the answer goes to {@code reply}, when durable. */
    void receive(RegisterRequest request, Membership membership, Consumer<RegisterReply> reply) {
        if (!up) {
            return;
        }
        var origin = membership.origin();
        if (origin != null && register.wantsCopy(request, membership)) {
            copyFirst(request, membership, origin, reply);
        } else {
            carryOut(request, membership, reply);
        }
    }

    /**
     * As the node's copier does: STAGEs and an INSTALL with time between, in which it may crash.
     */
    private void copyFirst(
            RegisterRequest request,
            Membership membership,
            Membership.Origin origin,
            Consumer<RegisterReply> reply) {
        var digest = register.frozen(origin);
        if (digest == null) {
            carryOut(request, new Membership(true, membership.createdEpoch()), reply);
            return;
        }
        long in = cluster.rules.copiedIn(origin, request);
        var values = table.values(origin.chunk(), cluster.whole());
        var stage = new RegisterRequest.Stage(request.chunk(), in, values);
        var install = new RegisterRequest.Install(request.chunk(), in, List.of(), digest);
        register.onCopy(_ -> {}, stage, true, effects());
        int life = incarnation;
        cluster.scheduler.after(
                cluster.scheduler.between(SYNC_MIN_NS, SYNC_MAX_NS),
                id.value(),
                () -> {
                    if (up && life == incarnation) {
                        register.onCopy(_ -> {}, install, false, effects());
                        carryOut(request, membership, reply);
                    }
                });
        maybeSync();
    }

    private void carryOut(
            RegisterRequest request, Membership membership, Consumer<RegisterReply> reply) {
        register.onRequest(reply, cluster.rules.atNode(request), membership, effects());
        if (!cluster.rules.breaksTables()) {
            register.invariants(table.chunks(), cluster.whole());
        }
        if (up) {
            maybeSync();
        }
    }

    /** An order to drop or give away a chunk arrives. */
    void drop(ChunkId chunk, long fencedEpoch, boolean tombstone) {
        if (up) {
            var rules = cluster.rules;
            boolean forgets = tombstone && !rules.keepsTombstones();
            long fence = forgets || (!tombstone && !rules.raisesFloor()) ? 0 : fencedEpoch;
            var _ = register.onDrop(chunk, fence, tombstone && !forgets, effects());
            maybeSync();
        }
    }

    private ReplicaEffects<Consumer<RegisterReply>> effects() {
        var real =
                new ReplicaEffects<Consumer<RegisterReply>>() {
                    @Override
                    public long append(ReplicaRecord record) {
                        long position = disk.append(record);
                        table.apply(record, position);
                        return position;
                    }

                    @Override
                    public void reply(
                            Consumer<RegisterReply> to, RegisterReply reply, long position) {
                        whenDurable(position, () -> to.accept(reply));
                    }

                    @Override
                    public void replyValues(
                            Consumer<RegisterReply> to,
                            ChunkId chunk,
                            SectorRun run,
                            long position) {
                        var values = new RegisterReply.Values(table.values(chunk, run));
                        whenDurable(position, () -> to.accept(values));
                    }
                };
        return cluster.rules.atDisk(real, table);
    }

    private void whenDurable(long position, Runnable action) {
        if (position <= disk.durable()) {
            leave(action);
        } else {
            waiting.add(new Waiting(position, action));
        }
    }

    /** An answer leaves; at times it is the last thing that the node does. */
    private void leave(Runnable answer) {
        if (!up) {
            return;
        }
        answer.run();
        if (!cluster.healed()
                && cluster.scheduler.perMille(cluster.options.crashAfterReplyPerMille)) {
            crash();
            cluster.restartLater(this);
        }
    }

    /** Group commit: one sync at a time covers all that was appended before it began. */
    private void maybeSync() {
        if (syncing || disk.durable() == disk.appended()) {
            return;
        }
        syncing = true;
        long upTo = disk.appended();
        int in = incarnation;
        cluster.scheduler.after(
                cluster.scheduler.between(SYNC_MIN_NS, SYNC_MAX_NS),
                id.value(),
                () -> {
                    if (in == incarnation) {
                        syncing = false;
                        onSync(upTo);
                    }
                });
    }

    private void onSync(long upTo) {
        if (!cluster.healed() && cluster.scheduler.perMille(cluster.options.failedSyncPercent)) {
            cluster.trace("%s sync fails", id);
            if (cluster.rules.failedSyncEndsStore()) {
                crash();
                cluster.restartLater(this);
                return;
            }
            disk.loseUnsynced(upTo);
        }
        disk.synced(upTo);
        var ready = waiting.stream().filter(w -> w.position <= disk.durable()).toList();
        waiting.removeAll(ready);
        ready.forEach(w -> leave(w.action));
        if (up) {
            maybeSync();
        }
    }

    /** kill -9 with loss of what was not synced. */
    void crash() {
        if (!up) {
            return;
        }
        up = false;
        incarnation++;
        syncing = false;
        waiting.clear();
        disk.crash(cluster.scheduler);
        cluster.trace("%s crashes at %d", id, disk.durable());
    }

    /** Recovery: the log in its order, no decision. */
    void restart() {
        if (up) {
            return;
        }
        up = true;
        table = new MemoryReplicaTable();
        long position = 0;
        for (ReplicaRecord record : cluster.rules.recovered(disk.records())) {
            table.apply(record, ++position);
        }
        long recovered = position;
        register = cluster.rules.replica(table);
        Invariant.check(recovered <= disk.appended(), "recovery invents nothing");
        cluster.trace("%s restarts at %d", id, recovered);
    }

    /** The last record turns out damaged: not a torn tail, as it was durable. */
    void damageTail() {
        disk.cutLast();
    }

    /**
     * The store is lost, and an empty one takes its place, under the same number (which R12
     * forbids).
     */
    void wipe() {
        while (disk.appended() > 0) {
            disk.cutLast();
        }
    }
}
