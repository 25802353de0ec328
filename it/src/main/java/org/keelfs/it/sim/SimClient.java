package org.keelfs.it.sim;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.it.check.Operation;
import org.keelfs.model.NodeId;
import org.keelfs.model.SessionId;
import org.keelfs.register.ChunkGrant;
import org.keelfs.register.ChunkGrant.Mode;
import org.keelfs.register.ChunkSession;
import org.keelfs.register.CounterSource;
import org.keelfs.register.Hint;
import org.keelfs.register.HintOutcome;
import org.keelfs.register.HintRound;
import org.keelfs.register.Membership;
import org.keelfs.register.Round;
import org.keelfs.register.SealOutcome;
import org.keelfs.register.StaleEpoch;

/**
 * A mount: leases, the chunk's session, and a workload of operations, with the real machines for
 * all that is said to nodes. Its operations are in {@link SimIo}.
 */
final class SimClient {
    static final int FIRST_ENDPOINT = 1000;

    private static final long THINK_MAX_NS = 30_000;
    private static final long ASK_AGAIN_NS = 8_000;

    final int index;
    final SimCluster cluster;
    private final SimIo io;
    private final ArrayDeque<SimOperation> pending = new ArrayDeque<>();
    private final List<SimOperation> running = new ArrayList<>();
    private CounterSource counters;
    private long session;
    private int incarnation;
    private long frozenUntilNs;
    private int left;
    private int threads;

    private @Nullable Mode mode;
    private long grant;
    private long validUntilNs;
    private boolean absent;
    private @Nullable Layout layout;
    private @Nullable ChunkSession chunk;
    private boolean acquiring;
    private boolean opening;
    private boolean leaving;
    private boolean returning;
    private boolean drainDue;

    SimClient(int index, SimCluster cluster) {
        this.index = index;
        this.cluster = cluster;
        this.session = cluster.newSession();
        this.counters = cluster.rules.counters();
        this.left = cluster.options.operationsPerClient;
        this.io = new SimIo(this);
    }

    int endpoint() {
        return FIRST_ENDPOINT + index;
    }

    long session() {
        return session;
    }

    @Nullable Mode mode() {
        return mode;
    }

    @Nullable ChunkSession chunk() {
        return chunk;
    }

    long grant() {
        return grant;
    }

    int left() {
        return left + running.size() + pending.size();
    }

    boolean finished() {
        return left == 0 && running.isEmpty() && pending.isEmpty() && threads == 0;
    }

    void start() {
        for (int i = 0; i < cluster.options.threadsPerClient; i++) {
            threads++;
            think();
        }
        heartbeat(incarnation);
    }

    // ---- being there: now, later, or never ----

    /** Passes on what arrives for the present incarnation. */
    Consumer<Runnable> gate() {
        int in = incarnation;
        return action -> pass(in, action);
    }

    private void pass(int in, Runnable action) {
        if (in != incarnation) {
            return;
        }
        long now = cluster.scheduler.nowNs();
        if (frozenUntilNs > now) {
            cluster.scheduler.after(frozenUntilNs - now, endpoint(), () -> pass(in, action));
        } else {
            action.run();
        }
    }

    void freeze(long forNs) {
        cluster.trace("client %d freezes", index);
        frozenUntilNs = cluster.scheduler.nowNs() + forNs;
    }

    void thaw() {
        frozenUntilNs = Math.min(frozenUntilNs, cluster.scheduler.nowNs() + 1);
    }

    /**
     * kill -9: what was under way is of unknown outcome; the successor has the old session evicted.
     */
    void crash() {
        cluster.trace("client %d crashes", index);
        incarnation++;
        frozenUntilNs = 0;
        for (SimOperation operation : running) {
            operation.entries.forEach(cluster.history::unknown);
        }
        for (SimOperation operation : pending) {
            operation.entries.forEach(cluster.history::unknown);
        }
        running.clear();
        pending.clear();
        io.restart();
        drainDue = false;
        catchingUp.clear();
        long dead = session;
        newSession();
        counters = cluster.rules.counters();
        cluster.network.sendSurely(
                endpoint(), SimMetadata.ENDPOINT, () -> cluster.metadata.evict(dead));
        threads = 0;
        start();
    }

    /** At the end of the run: what is still open stays open. */
    void abandon() {
        running.forEach(o -> o.entries.forEach(cluster.history::unknown));
    }

    private void newSession() {
        session = cluster.newSession();
        cluster.trace("client %d is session %d", index, session);
        mode = null;
        dropChunk();
        acquiring = false;
        opening = false;
        leaving = false;
        returning = false;
        io.forget();
        for (SimOperation operation : List.copyOf(running)) {
            if (operation.kind == SimOperation.Kind.TRUNCATE) {
                end(operation); // its answer would be for the old session
            }
        }
    }

    /** Runs at the metadata server, and the answer here; each is repeated until it is through. */
    <A> void ask(Consumer<Consumer<A>> question, Consumer<A> answer) {
        var gate = gate();
        long asked = session;
        Consumer<A> ifStillOurs =
                a -> {
                    if (session == asked) {
                        answer.accept(a);
                    }
                };
        cluster.network.<A>ask(
                endpoint(),
                SimMetadata.ENDPOINT,
                question,
                a -> gate.accept(() -> ifStillOurs.accept(a)));
    }

    /** One round with the nodes. */
    <O> RoundRunner<O> run(
            Round<O> round, @Nullable ChunkSession of, long created, Consumer<O> done) {
        var runner = prepare(round, of, created, done);
        runner.start();
        return runner;
    }

    <O> RoundRunner<O> prepare(
            Round<O> round, @Nullable ChunkSession of, long created, Consumer<O> done) {
        var membership = new Membership(true, created, Layout.originOf(layout, of));
        return new RoundRunner<>(cluster, endpoint(), gate(), _ -> membership, of, round, done);
    }

    private void later(long delayNs, Runnable action) {
        var gate = gate();
        cluster.scheduler.after(delayNs, endpoint(), () -> gate.accept(action));
    }

    private void heartbeat(int in) {
        if (in != incarnation || (cluster.healed() && finished())) {
            return;
        }
        long sent = cluster.scheduler.nowNs();
        long asked = session;
        cluster.network.send(
                endpoint(),
                SimMetadata.ENDPOINT,
                () -> {
                    var renewed = cluster.metadata.renew(asked);
                    cluster.network.send(
                            SimMetadata.ENDPOINT,
                            endpoint(),
                            () -> pass(in, () -> onRenewal(asked, sent, renewed)));
                });
        cluster.scheduler.after(
                cluster.options.termNs / 3, endpoint(), () -> pass(in, () -> heartbeat(in)));
    }

    private void onRenewal(long asked, long sentNs, @Nullable Boolean renewed) {
        if (asked != session) {
            return;
        }
        if (renewed == null) {
            newSession();
            drain();
        } else if (renewed) {
            validUntilNs = Math.max(validUntilNs, sentNs + cluster.options.termNs);
        }
    }

    /** Whether an answer may rest on the lease alone. */
    boolean leaseIsValid() {
        return cluster.scheduler.nowNs() < validUntilNs;
    }

    // ---- workload ----

    private void think() {
        later(cluster.scheduler.between(0, THINK_MAX_NS), this::nextOperation);
    }

    private void nextOperation() {
        if (left == 0) {
            threads--;
            return;
        }
        left--;
        var operation = Workload.next(cluster);
        for (int sector = operation.run.first(); sector < operation.run.end(); sector++) {
            operation.entries.add(
                    operation.kind == SimOperation.Kind.READ
                            ? cluster.history.invokeRead(index, sector)
                            : cluster.history.invokeWrite(index, sector, operation.value));
        }
        cluster.trace("client %d begins %s", index, operation);
        attempt(operation);
    }

    /** Gets the lease and the chunk that the operation needs, then runs it. */
    void attempt(SimOperation operation) {
        if (++operation.attempts > SimIo.ATTEMPTS_MAX) {
            end(operation);
            return;
        }
        var held = mode;
        boolean alone =
                operation.kind == SimOperation.Kind.TRUNCATE
                        ? running.isEmpty()
                        : running.stream().allMatch(o -> o.kind != SimOperation.Kind.TRUNCATE);
        if (acquiring || opening || leaving || returning || !alone) {
            pending.add(operation);
        } else if (held == null) {
            pending.add(operation);
            acquire(operation.mode);
        } else if (!operation.covered(held)) {
            pending.add(operation);
            leave();
        } else if (chunk == null && !absent) {
            pending.add(operation);
            askLayout(false);
        } else {
            running.add(operation);
            io.begin(operation, absent);
        }
    }

    /** Tries all waiting operations anew. */
    private void drain() {
        var waiting = List.copyOf(pending);
        pending.clear();
        for (SimOperation operation : waiting) {
            operation.attempts--; // to wait is no attempt
            attempt(operation);
        }
    }

    /** The attempt is over without an answer: once more. */
    void again(SimOperation operation) {
        running.remove(operation);
        if (operation.ended) {
            return;
        }
        pending.add(operation);
        maybeReturn();
        if (!drainDue) {
            drainDue = true;
            later(
                    ASK_AGAIN_NS,
                    () -> {
                        drainDue = false;
                        drain();
                    });
        }
    }

    /** Answered with values, a sector each. */
    void answer(SimOperation read, List<Long> values) {
        for (int i = 0; i < values.size(); i++) {
            cluster.history.done(read.entries.get(i), values.get(i));
        }
        end(read);
    }

    /** The write is done. */
    void done(SimOperation write) {
        write.entries.forEach(cluster.history::done);
        end(write);
    }

    /** Over; what was not answered is of unknown outcome. */
    void end(SimOperation operation) {
        running.remove(operation);
        if (operation.ended) {
            return;
        }
        operation.ended = true;
        for (Operation entry : operation.entries) {
            cluster.history.unknown(entry);
        }
        cluster.trace("client %d ends %s: %s", index, operation, operation.entries);
        think();
        if (cluster.scheduler.chance(15)) {
            leave();
        }
        maybeReturn();
        if (!leaving) {
            drain();
        }
    }

    // ---- leases ----

    private void acquire(Mode wanted) {
        acquiring = true;
        long asked = session;
        long sentNs = cluster.scheduler.nowNs();
        this.<SimMetadata.Grant>ask(
                reply -> cluster.metadata.acquire(this, new SessionId(asked), wanted, reply),
                granted -> {
                    acquiring = false;
                    if (granted.mode() == null) {
                        newSession();
                        drain();
                        return;
                    }
                    mode = granted.mode();
                    grant = granted.id();
                    validUntilNs = Math.max(validUntilNs, sentNs);
                    onLayout(granted.layout());
                });
    }

    void onRecall(long recalled, long recalledGrant) {
        var gate = gate();
        gate.accept(
                () -> {
                    if (recalled == session && recalledGrant == grant && mode != null) {
                        leave();
                    }
                });
    }

    /** No new user of the lease; it goes back when the last is done. */
    private void leave() {
        if (mode != null && !leaving) {
            leaving = true;
            maybeReturn();
        }
    }

    private void maybeReturn() {
        if (!leaving || returning || opening || acquiring || !running.isEmpty()) {
            return;
        }
        returning = true;
        long asked = session;
        var of = chunk;
        boolean hints = mode == Mode.WRITE || cluster.rules.hintsFromShared();
        if (of == null || !hints || !cluster.scheduler.chance(cluster.options.hints)) {
            giveBack(null);
            return;
        }
        var _ =
                run(
                        new HintRound(of, cluster.times()),
                        of,
                        0,
                        outcome -> {
                            if (asked == session) {
                                giveBack(
                                        outcome instanceof HintOutcome.Given given
                                                ? given.hint()
                                                : null);
                            }
                        });
    }

    private void giveBack(@Nullable Hint hint) {
        var of = chunk;
        boolean inDoubt = of != null && of.inDoubt();
        long from = session;
        long returned = grant;
        cluster.trace("client %d returns %s, hint %s, in doubt %s", index, mode, hint, inDoubt);
        cluster.network.sendSurely(
                endpoint(),
                SimMetadata.ENDPOINT,
                () -> cluster.metadata.giveBack(from, returned, inDoubt, hint));
        mode = null;
        dropChunk();
        io.forget();
        leaving = false;
        returning = false;
        drain();
    }

    // ---- layouts and seals ----

    /** The chunk's session is over; the next operation asks for the layout. */
    void dropChunk() {
        chunk = null;
        layout = null;
        absent = false;
    }

    private void askLayout(boolean newEpoch) {
        opening = true;
        long asked = session;
        long known = layout == null ? 0 : layout.epoch();
        this.<Layout>ask(
                reply -> cluster.metadata.layoutAgain(asked, known, newEpoch, reply),
                this::onLayout);
    }

    private void maybeAskLayout(long session) {
        if (session == this.session) {
            askLayout(false);
        }
    }

    private ChunkGrant chunkGrant(Layout of, Mode held) {
        return new ChunkGrant(
                of.chunk(), of.epoch(), of.set(), cluster.whole(), held, new SessionId(session));
    }

    private void onLayout(Layout answer) {
        opening = false;
        layout = answer;
        io.learn(answer);
        var held = mode;
        if (held == null) {
            return;
        }
        switch (answer.kind()) {
            case ABSENT -> absent = true;
            case CREATED, OPEN -> {
                boolean created = answer.kind() == Layout.Kind.CREATED;
                use(answer, chunkGrant(answer, held), created, answer.set().nodes());
            }
            case SEAL -> {
                seal(answer, held);
                return;
            }
            case WAIT -> {
                opening = true;
                long asked = session;
                later(ASK_AGAIN_NS, () -> maybeAskLayout(asked));
                return;
            }
            case NO_LEASE -> mode = null;
        }
        serve();
    }

    /**
     * Who waited for the lease may use it once, even if it was recalled meanwhile: else nobody gets
     * on.
     */
    private void serve() {
        boolean recalled = leaving;
        leaving = false;
        drain();
        if (recalled) {
            leave();
        }
    }

    private void use(Layout of, ChunkGrant held, boolean created, List<NodeId> sealed) {
        layout = of;
        chunk =
                cluster.rules.session(
                        new SimRules.SessionParts(
                                held, counters, cluster.options.missedRunsMax, created, sealed));
    }

    private void seal(Layout of, Mode held) {
        opening = true;
        var rider = new SimRider(this, chunkGrant(of, held), pending);
        long asked = session;
        var _ =
                run(
                        rider.seal(of),
                        null,
                        0,
                        outcome -> {
                            if (asked != session) {
                                return;
                            }
                            if (outcome instanceof SealOutcome.Opened opened) {
                                cluster.history.opened(opened.epoch());
                                opening = false;
                                use(of, rider.grant(), false, opened.sealed());
                                report(of, opened.epoch());
                                rider.alight(opened, this::serve);
                            } else if (cluster.rules.sealsAgainInSameEpoch()
                                    && !(outcome instanceof StaleEpoch)) {
                                seal(of, held);
                            } else {
                                askLayout(true);
                            }
                        });
    }

    /** The others learn from the server that it is OPEN; too late, and nodes will say so. */
    private void report(Layout of, long epoch) {
        this.<Boolean>ask(
                reply -> reply.accept(cluster.metadata.sealed(of.chunk(), epoch)), _ -> {});
    }

    /** Catches up with one replica that is behind, in the background. */
    final TreeSet<NodeId> catchingUp = new TreeSet<>();

    long createdEpoch() {
        return layout == null || layout.epoch() != layout.createdEpoch()
                ? 0
                : layout.createdEpoch();
    }

    void askFreshEpoch() {
        if (!opening && mode != null) {
            chunk = null;
            absent = false;
            askLayout(true);
        }
    }

    @Override
    public String toString() {
        return "client %d: mode %s, chunk %s, running %s, pending %s, left %d, threads %d%s%s%s%s"
                .formatted(
                        index,
                        mode,
                        chunk == null ? null : chunk.grant(),
                        running,
                        pending,
                        left,
                        threads,
                        acquiring ? ", acquiring" : "",
                        opening ? ", opening" : "",
                        leaving ? ", leaving" : "",
                        returning ? ", returning" : "");
    }
}
