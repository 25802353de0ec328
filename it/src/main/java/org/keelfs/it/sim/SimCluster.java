package org.keelfs.it.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.InvariantViolation;
import org.keelfs.it.check.History;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SectorRun;
import org.keelfs.register.RoundTimes;

/**
 * One run: nodes, clients and a metadata model under faults from a seed, then healed. Safety is
 * checked over the whole history, liveness over the time after the healing.
 */
public final class SimCluster {
    /** One attempt of a round. */
    static final long ATTEMPT_NS = 20_000;

    /** Deadline of a round after the healing. */
    private static final long CALM_DEADLINE_NS = 150_000;

    private static final long FAULT_STEP_NS = 40_000;

    /** A restarted node is back within this. */
    private static final long DOWN_NS = 120_000;

    /**
     * After the healing all operations end within this: for each operation left one wait for a dead
     * session (recall, term) and a few rounds to their deadlines.
     */
    private static final long CALM_PER_OPERATION_NS = 4_000_000;

    /** A run that goes on after so many events is stuck in a loop. */
    private static final long EVENTS_MAX = 400_000;

    final SimScheduler scheduler;
    final SimOptions options;
    final SimRules rules;
    final SimNetwork network;
    final SimMetadata metadata;
    final SimHealing healing;
    final History history = new History();
    private final TreeMap<NodeId, SimNode> nodes = new TreeMap<>();
    private final TreeSet<NodeId> gone = new TreeSet<>();
    private final List<SimClient> clients = new ArrayList<>();
    private final TreeSet<Long> sessions = new TreeSet<>();
    private final @Nullable List<String> trace;
    private long lastSession;
    private long lastValue;
    private boolean healed;

    /** How a run ended. */
    public record Result(
            @Nullable String violation, long hash, long events, int answered, List<String> trace) {}

    private SimCluster(long seed, SimOptions options, SimRules rules, boolean tracing) {
        this.scheduler = new SimScheduler(seed);
        this.options = options;
        this.rules = rules;
        this.trace = tracing ? new ArrayList<>() : null;
        this.network = new SimNetwork(scheduler, options);
        for (int i = 0; i < options.replicas + options.spareNodes; i++) {
            addNode();
        }
        this.metadata = new SimMetadata(this, place());
        this.healing = new SimHealing(this);
        for (int i = 0; i < options.clients; i++) {
            clients.add(new SimClient(i, this));
        }
    }

    /** Runs one seed. */
    public static Result run(long seed, SimOptions options, SimRules rules, boolean tracing) {
        var cluster = new SimCluster(seed, options, rules, tracing);
        String violation;
        try {
            violation = cluster.play();
        } catch (InvariantViolation broken) {
            violation = "invariant: " + broken.getMessage();
        }
        return new Result(
                violation,
                cluster.scheduler.hash(),
                cluster.scheduler.executed(),
                cluster.history.answered(),
                cluster.trace == null ? List.of() : cluster.trace);
    }

    private @Nullable String play() {
        clients.forEach(SimClient::start);
        for (int step = 1; step <= options.faultSteps; step++) {
            scheduler.after(step * FAULT_STEP_NS, 1, () -> new Fault(this, options).step());
        }
        scheduler.after((options.faultSteps + 1) * FAULT_STEP_NS, 2, this::heal);
        long calmEnd = Long.MAX_VALUE;
        while (!finished() && scheduler.nowNs() < calmEnd) {
            if (!scheduler.step() || scheduler.executed() > EVENTS_MAX) {
                return "liveness: stuck after " + scheduler.executed() + " events: " + unfinished();
            }
            if (healed && calmEnd == Long.MAX_VALUE) {
                calmEnd = scheduler.nowNs() + CALM_PER_OPERATION_NS * operationsLeft();
            }
        }
        if (!finished()) {
            return "liveness: not done in time: " + unfinished();
        }
        clients.forEach(SimClient::abandon);
        return history.check();
    }

    private boolean finished() {
        return healed && clients.stream().allMatch(SimClient::finished);
    }

    private int operationsLeft() {
        return clients.stream().mapToInt(SimClient::left).sum() + 1;
    }

    private String unfinished() {
        return clients.stream()
                .filter(c -> !c.finished())
                .map(SimClient::toString)
                .toList()
                .toString();
    }

    private void heal() {
        trace("healed");
        healed = true;
        network.heal();
        nodes.values().forEach(SimNode::restart);
        clients.forEach(SimClient::thaw);
        if (placeIsNeeded()) {
            metadata.wantChange();
        }
    }

    boolean healed() {
        return healed;
    }

    RoundTimes times() {
        return new RoundTimes(
                ATTEMPT_NS, scheduler.nowNs() + (healed ? CALM_DEADLINE_NS : options.deadlineNs));
    }

    SectorRun whole() {
        return new SectorRun(0, options.sectors);
    }

    long newValue() {
        return ++lastValue;
    }

    // ---- sessions ----

    long newSession() {
        sessions.add(++lastSession);
        return lastSession;
    }

    TreeSet<Long> sessions() {
        return sessions;
    }

    @Nullable SimClient clientOf(long session) {
        for (SimClient client : clients) {
            if (client.session() == session) {
                return client;
            }
        }
        return null;
    }

    List<SimClient> clients() {
        return clients;
    }

    // ---- nodes ----

    SimNode node(NodeId id) {
        var node = nodes.get(id);
        if (node == null) {
            throw new InvariantViolation("no such node: " + id);
        }
        return node;
    }

    private void addNode() {
        var id = new NodeId(nodes.size() + 1);
        nodes.put(id, new SimNode(id, this));
    }

    boolean gone(NodeId node) {
        return gone.contains(node);
    }

    /** Nodes that are not replaced. */
    List<NodeId> living() {
        return nodes.keySet().stream().filter(id -> !gone.contains(id)).toList();
    }

    /** A set of living nodes. */
    ReplicaSet place() {
        return SimHealing.choose(this, living(), options.replicas);
    }

    /** Whether a node of the set in force is gone for good. */
    boolean placeIsNeeded() {
        return metadata.set().nodes().stream().anyMatch(gone::contains);
    }

    void restartLater(SimNode node) {
        scheduler.after(scheduler.between(5_000, DOWN_NS), 3, node::restart);
    }

    /** The node's store is lost for good: a new node takes part from now on (R12). */
    void replace(SimNode node) {
        node.crash();
        gone.add(node.id);
        addNode();
        metadata.wantChange();
    }

    void trace(String format, @Nullable Object... arguments) {
        if (trace != null) {
            trace.add("%9d ".formatted(scheduler.nowNs()) + format.formatted(arguments));
        }
    }
}
