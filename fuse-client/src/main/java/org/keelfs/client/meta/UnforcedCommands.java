package org.keelfs.client.meta;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;

/**
 * Commands of a session that were sent: numbers them, knows up to where all are answered, and keeps
 * every answered one until the server reports it forced, to be sent again in log order after a
 * restart (DESIGN section 6). Guarded by itself.
 */
final class UnforcedCommands {
    /** A request that was answered at a position of the log. */
    private record Answered(SubmitRequest request, long position) {}

    private final List<Answered> answered = new ArrayList<>();
    private final TreeMap<Long, Long> outstanding = new TreeMap<>();
    private long nextSequence = 1;
    private long position;

    /** Numbers {@code count} commands; returns the first number. */
    synchronized long begin(int count) {
        long first = nextSequence;
        nextSequence += count;
        outstanding.put(first, first + count - 1);
        return first;
    }

    /** Highest sequence below which every command was answered. */
    synchronized long acknowledged() {
        return outstanding.isEmpty() ? nextSequence - 1 : outstanding.firstKey() - 1;
    }

    synchronized void onAnswered(SubmitRequest request, long atPosition) {
        outstanding.remove(request.getFirstSequence());
        answered.add(new Answered(request, atPosition));
        position = Math.max(position, atPosition);
    }

    /**
     * A request ended without an answer that will ever come: its outcome was reported as unknown.
     */
    synchronized void onGivenUp(long firstSequence) {
        outstanding.remove(firstSequence);
    }

    synchronized void onForced(long forced) {
        answered.removeIf(a -> a.position <= forced);
    }

    /** What is to be sent again after a restart, in log order. */
    synchronized List<SubmitRequest> unforced() {
        return answered.stream()
                .sorted(Comparator.comparingLong(Answered::position))
                .map(Answered::request)
                .toList();
    }

    synchronized boolean isEmpty() {
        return answered.isEmpty();
    }

    /** Position of the last command that was answered. */
    synchronized long position() {
        return position;
    }
}
