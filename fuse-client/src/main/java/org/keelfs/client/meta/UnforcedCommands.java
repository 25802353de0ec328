package org.keelfs.client.meta;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;

/**
 * Commands of a session that were sent: numbers them, knows up to where all are answered, and keeps
 * every answered one until the server reports it forced, to be sent again in log order after a
 * restart (DESIGN section 6). Positions are those of one incarnation of the server: a log that lost
 * its end goes on with other commands under the same positions. Guarded by itself.
 */
final class UnforcedCommands {
    /** A request that was answered at a position of the log. */
    private record Answered(SubmitRequest request, long position) {}

    private final TreeMap<Long, Long> outstanding = new TreeMap<>();
    private long nextSequence = 1;

    /** Of the server that answered, or is sent again, what is {@link #answered}. */
    private long incarnation;

    private final List<Answered> answered = new ArrayList<>();

    /** Answered by earlier incarnations and not known to be forced, in the order of their logs. */
    private List<SubmitRequest> lost = List.of();

    private long position;

    UnforcedCommands(long incarnation) {
        this.incarnation = incarnation;
    }

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

    /**
     * Returns false when the incarnation that the request was sent to has gone since: whether its
     * successor knows the commands is not known, and they are to be sent to that.
     */
    synchronized boolean onAnswered(SubmitRequest request, long atPosition) {
        if (request.getServerIncarnation() != incarnation) {
            return false;
        }
        outstanding.remove(request.getFirstSequence());
        answered.add(new Answered(request, atPosition));
        position = Math.max(position, atPosition);
        return true;
    }

    /**
     * A request ended without an answer that will ever come: its outcome was reported as unknown.
     */
    synchronized void onGivenUp(long firstSequence) {
        outstanding.remove(firstSequence);
    }

    /** What an incarnation has forced. */
    synchronized void onForced(long atIncarnation, long forced) {
        if (atIncarnation == incarnation) {
            answered.removeIf(a -> a.position <= forced);
        }
    }

    /**
     * The server is another process.
     *
     * @return what is to be sent to it before anything else, in this order; it is kept until {@link
     *     #onSentAgain}, for a server that restarts once more
     */
    synchronized List<SubmitRequest> onRestarted(long newIncarnation) {
        if (newIncarnation != incarnation) {
            List<SubmitRequest> all = new ArrayList<>(lost);
            Set<Long> sequences = new HashSet<>();
            lost.forEach(request -> sequences.add(request.getFirstSequence()));
            answered.stream()
                    .sorted(Comparator.comparingLong(Answered::position))
                    .map(Answered::request)
                    .filter(request -> sequences.add(request.getFirstSequence()))
                    .forEach(all::add);
            lost = List.copyOf(all);
            answered.clear();
            position = 0;
            incarnation = newIncarnation;
        }
        return lost;
    }

    /** The incarnation has answered all that was lost. */
    synchronized void onSentAgain(long atIncarnation) {
        if (atIncarnation == incarnation) {
            lost = List.of();
        }
    }

    /** Whether every answered command is known to be forced. */
    synchronized boolean isEmpty() {
        return answered.isEmpty() && lost.isEmpty();
    }

    /** Position of the last command that was answered, in the log of this incarnation. */
    synchronized long position() {
        return position;
    }
}
