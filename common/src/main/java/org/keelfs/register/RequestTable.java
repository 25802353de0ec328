package org.keelfs.register;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import org.keelfs.model.NodeId;

/**
 * Requests of one round that wait for an answer, and when to send each again. Confined to its
 * round.
 */
public final class RequestTable {
    private final RoundTimes times;
    private final List<Waiting> waiting = new ArrayList<>();

    private static final class Waiting {
        final NodeId node;
        final RegisterRequest request;
        long againNs;

        Waiting(NodeId node, RegisterRequest request, long againNs) {
            this.node = node;
            this.request = request;
            this.againNs = againNs;
        }
    }

    public RequestTable(RoundTimes times) {
        this.times = times;
    }

    /** Sends, now and again until {@link #take} or {@link #forget}. */
    public void ask(NodeId node, RegisterRequest request, long nowNs, RoundEffects<?> out) {
        waiting.add(new Waiting(node, request, nowNs + times.attemptNs()));
        out.send(node, request);
    }

    /** Whether this request was waited for; it no longer is. */
    public boolean take(NodeId node, RegisterRequest request) {
        return waiting.removeIf(w -> w.node.equals(node) && w.request.equals(request));
    }

    /** Whether an answer of this node is waited for. */
    public boolean waitsFor(NodeId node) {
        return waiting.stream().anyMatch(w -> w.node.equals(node));
    }

    /** The request failed: it is due again after a pause. Whether it was waited for. */
    public boolean failed(NodeId node, RegisterRequest request, long nowNs) {
        boolean found = false;
        for (Waiting w : waiting) {
            if (w.node.equals(node) && w.request.equals(request)) {
                w.againNs = nowNs + times.retryNs();
                found = true;
            }
        }
        return found;
    }

    /** Sends again what is due, and returns the nodes that let an attempt pass. */
    public List<NodeId> resend(long nowNs, RoundEffects<?> out) {
        var silent = new ArrayList<NodeId>();
        for (Waiting w : waiting) {
            if (w.againNs <= nowNs) {
                w.againNs = nowNs + times.attemptNs();
                out.send(w.node, w.request);
                silent.add(w.node);
            }
        }
        return silent;
    }

    /** Waits for nothing of this node any more. */
    public void forget(NodeId node) {
        waiting.removeIf(w -> w.node.equals(node));
    }

    /** Waits for nothing any more. */
    public void clear() {
        waiting.clear();
    }

    public boolean isEmpty() {
        return waiting.isEmpty();
    }

    /** Whether the round's time is over. */
    public boolean over(long nowNs) {
        return nowNs >= times.deadlineNs();
    }

    /** When to send next, at the latest the round's deadline. */
    public long nextDeadlineNs() {
        long next = times.deadlineNs();
        for (Waiting w : waiting) {
            next = Math.min(next, w.againNs);
        }
        return next;
    }

    /** Nodes that are waited for, ascending. */
    public List<NodeId> silent() {
        var nodes = new TreeSet<NodeId>();
        waiting.forEach(w -> nodes.add(w.node));
        return List.copyOf(nodes);
    }
}
