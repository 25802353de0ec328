package org.keelfs.client.quorum;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.NodeId;
import org.keelfs.wire.proto.MetadataProto.Replica;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Links to the storage nodes that layouts name. Thread-safe; never blocks. */
public final class NodeConnections implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NodeConnections.class);

    /** A dead majority fails thousands of operations: their lines would hide the first. */
    private static final long WARN_NS = 1_000_000_000L;

    private final AtomicLong warnedNs = new AtomicLong();
    private final NodeDialer dialer;
    private final long attemptMs;
    private final ConcurrentHashMap<NodeId, Dialed> links = new ConcurrentHashMap<>();

    private record Dialed(String host, int port, NodeLink link) {
        boolean isAt(String otherHost, int otherPort) {
            return host.equals(otherHost) && port == otherPort;
        }
    }

    public NodeConnections(NodeDialer dialer, QuorumConfig config) {
        this.dialer = dialer;
        this.attemptMs = config.attemptMs();
    }

    /** A layout named this node: remembers where it is, also when it moved. */
    void learn(Replica replica) {
        var node = new NodeId(replica.getNode());
        Dialed known = links.get(node);
        if (known != null && known.isAt(replica.getHost(), replica.getPort())) {
            return;
        }
        Dialed old =
                links.put(
                        node,
                        new Dialed(
                                replica.getHost(),
                                replica.getPort(),
                                new NodeLink(
                                        node,
                                        dialer.connect(replica.getHost(), replica.getPort()),
                                        attemptMs)));
        if (old != null) {
            LOG.info("{} moved to {}:{}", node, replica.getHost(), replica.getPort());
            old.link.close();
        }
    }

    NodeLink link(NodeId node) {
        Dialed dialed = links.get(node);
        if (dialed == null) {
            throw new FsException(Errno.EIO, "the address of " + node + " is not known");
        }
        return dialed.link;
    }

    /**
     * Nodes by preference: those that answered lately first, otherwise turned round by {@code
     * turn}.
     */
    List<NodeId> order(List<NodeId> nodes, int turn) {
        var ordered = new ArrayList<NodeId>(nodes.size());
        for (int i = 0; i < nodes.size(); i++) {
            ordered.add(nodes.get(Math.floorMod(turn + i, nodes.size())));
        }
        ordered.sort(Comparator.comparing(this::isSuspect));
        return ordered;
    }

    boolean isSuspect(NodeId node) {
        Dialed dialed = links.get(node);
        return dialed == null || dialed.link.isSuspect();
    }

    /**
     * Whether it is time for one more line about nodes that do not answer: at most one a second.
     */
    boolean mayWarn() {
        long last = warnedNs.get();
        long nowNs = System.nanoTime();
        return (last == 0 || nowNs - last >= WARN_NS) && warnedNs.compareAndSet(last, nowNs | 1);
    }

    /** Nodes with their addresses, for messages. */
    String describe(Collection<NodeId> nodes) {
        var names = new ArrayList<String>();
        for (NodeId node : nodes) {
            Dialed dialed = links.get(node);
            names.add(node + (dialed == null ? "" : " at " + dialed.host + ":" + dialed.port));
        }
        return String.join(", ", names);
    }

    @Override
    public void close() {
        links.values().forEach(dialed -> dialed.link.close());
        links.clear();
    }
}
