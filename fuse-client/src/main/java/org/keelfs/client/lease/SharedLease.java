package org.keelfs.client.lease;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.wire.proto.MetadataProto.Operation;

/** One grant of SHARED, and the operations under way under it. Thread-safe. */
public final class SharedLease {
    private final long since;
    private final ConcurrentHashMap<Long, Operation> running = new ConcurrentHashMap<>();
    private volatile long generation;
    private volatile long usedNs = System.nanoTime();

    SharedLease(long generation, long since) {
        this.generation = generation;
        this.since = since;
    }

    /** Of the grant; a restarted server gives another one. */
    long generation() {
        return generation;
    }

    void reclaimed(long newGeneration) {
        generation = newGeneration;
    }

    /** The period of sharing, as the server names it. */
    long since() {
        return since;
    }

    void began(Operation operation) {
        usedNs = System.nanoTime();
        running.put(operation.getToken(), operation);
    }

    /** The server knows that it is over, or will be told. */
    public void ended(long token) {
        running.remove(token);
    }

    /** What a restarted server is to know of. */
    List<Operation> running() {
        return List.copyOf(running.values());
    }

    /** When an operation last began. */
    long usedNs() {
        return usedNs;
    }
}
