package org.keelfs.it.history;

import java.util.List;
import java.util.Set;

/**
 * One call of a program and its answer.
 *
 * @param mount that it went through, counted from 1
 * @param worker the program
 * @param what kind of call
 * @param object that it concerns
 * @param arguments of the call
 * @param begunNs CLOCK_MONOTONIC before it, nanoseconds
 * @param endedNs CLOCK_MONOTONIC after it; {@link #NEVER} when it was not answered
 * @param errno of the answer, 0 for success
 * @param answer of a success
 * @param life how often its mount had lost what it had not synced when it began
 */
public record Call(
        int mount,
        int worker,
        String what,
        String object,
        List<String> arguments,
        long begunNs,
        long endedNs,
        int errno,
        String answer,
        int life) {
    /** End of a call that was never answered. */
    public static final long NEVER = Long.MAX_VALUE;

    /** Kind: the mount loses a suffix of what it had not synced. */
    public static final String LOSS = "loss";

    /** Kind: what this mount did before is on stable storage. */
    public static final String SYNC = "sync";

    private static final Set<String> OBSERVERS =
            Set.of("read", "bytes", "size", "lookup", "list", "test", SYNC);

    /** EINTR, EIO, ECONNABORTED, ENOTCONN, ETIMEDOUT: it may have happened or not. */
    private static final Set<Integer> OPEN_ERRORS = Set.of(4, 5, 103, 107, 110);

    /** Whether it changes nothing. */
    public boolean isObserver() {
        return OBSERVERS.contains(what);
    }

    /** Whether it may have happened or not. */
    public boolean isOpen() {
        return endedNs == NEVER || OPEN_ERRORS.contains(errno);
    }

    /** The same call with no answer that counts. */
    Call unanswered() {
        return new Call(mount, worker, what, object, arguments, begunNs, NEVER, 0, "", life);
    }

    Call inLife(int newLife) {
        return new Call(
                mount, worker, what, object, arguments, begunNs, endedNs, errno, answer, newLife);
    }

    Call about(String otherObject) {
        return new Call(
                mount, worker, what, otherObject, arguments, begunNs, endedNs, errno, answer, life);
    }

    /**
     * Something that the same call may have done, unseen; its first argument is the kind of the
     * call.
     *
     * @param lossesMax not after more losses of its mount
     */
    Call maybe(String kind, long untilNs, int lossesMax) {
        var with = new java.util.ArrayList<String>();
        with.add(what);
        with.addAll(arguments);
        return new Call(
                mount, worker, kind, object, List.copyOf(with), begunNs, untilNs, 0, "", lossesMax);
    }

    /** The call of which this is something that it may have done. */
    Call cause() {
        return new Call(
                mount,
                worker,
                arguments.getFirst(),
                object,
                arguments.subList(1, arguments.size()),
                begunNs,
                endedNs,
                errno,
                answer,
                life);
    }

    /** An argument that is a number. */
    long number(int index) {
        return Long.parseLong(arguments.get(index));
    }

    @Override
    public String toString() {
        String said = isOpen() ? "? (errno " + errno + ")" : errno != 0 ? "errno " + errno : answer;
        return "%d.%06d - %s mount %d worker %d %s %s %s -> %s"
                .formatted(
                        begunNs / 1_000_000_000,
                        begunNs / 1000 % 1_000_000,
                        endedNs == NEVER
                                ? "never"
                                : "%d.%06d"
                                        .formatted(
                                                endedNs / 1_000_000_000,
                                                endedNs / 1000 % 1_000_000),
                        mount,
                        worker,
                        what,
                        object,
                        String.join(" ", arguments),
                        said);
    }
}
