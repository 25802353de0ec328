package org.keelfs.it.history;

import java.util.ArrayList;
import java.util.List;

/**
 * The calls on the locks of a file as {@link LockModel} takes them: each happens within its time,
 * and beside those of programs stand the losses of mounts, and what calls may have done without
 * having been answered so.
 *
 * <p>Locks of a mount that is killed go with its session, at the latest when its successor has one;
 * those of a mount that stood still may have gone, until it knows (docs/decisions/0010). A call
 * that began before and was answered after that may have had its lock twice: in the old session,
 * unnoticed, and again, or refused, in the new one.
 */
final class LockHistory {
    /* A restart of the server loses grants whose answers were not sent. Another program would have to see one in the
     * moment between: that is not modelled, and would be called wrong.
     */

    /** Kind: it may have happened; its arguments are kind and arguments of the call. */
    static final String MAYBE = "maybe";

    /** Kind: a lock that its program was not told of. */
    static final String GHOST = "ghost";

    /** Kind: a waiting conversion gave up what was held. */
    static final String DROP = "drop";

    /** Kind: the mount loses its locks. */
    static final String KILLED = "killed";

    /** Kind: the mount may lose its locks. */
    static final String PAUSED = "paused";

    /**
     * The kernel tells a mount late that a handle is closed, and the mount may stand still, or the
     * server be away: several faults of some seconds each.
     */
    private static final long RELEASE_NS = 20_000_000_000L;

    private final List<Loss> losses;

    /**
     * @param losses of mounts, in the order of time
     */
    LockHistory(List<Loss> losses) {
        this.losses = List.copyOf(losses);
    }

    /** Whether an object is one of locks. */
    static boolean isOfLocks(String object) {
        return object.startsWith("k") || object.startsWith("f");
    }

    /** Losses that end what a dead mount's caches answer. */
    List<Loss> kills() {
        return losses.stream().filter(Loss::killed).toList();
    }

    /**
     * What the model is to be shown.
     *
     * @param calls on one file and kind of locks; their life counts kills
     */
    List<Call> calls(String object, List<Call> calls) {
        var all = new ArrayList<Call>();
        for (Call call : calls) {
            if (call.what().equals("close")) {
                all.add(closed(call));
            } else if (!call.isOpen()) {
                all.add(call);
                addUnseen(call, all);
            } else if (!call.isObserver()) {
                all.add(call.maybe(MAYBE, Call.NEVER, lossesBeforeNextKill(call)));
                addDrop(call, Call.NEVER, all);
            }
        }
        for (int i = 0; i < losses.size(); i++) {
            all.add(loss(object, i));
        }
        return all;
    }

    /** Whatever it answered, the handle is gone. */
    private static Call closed(Call call) {
        long ended = call.endedNs() == Call.NEVER ? Call.NEVER : call.endedNs() + RELEASE_NS;
        return new Call(
                call.mount(),
                call.worker(),
                call.what(),
                call.object(),
                call.arguments(),
                call.begunNs(),
                ended,
                0,
                "",
                call.life());
    }

    /** What an answered call may have done beside its answer. */
    private void addUnseen(Call call, List<Call> all) {
        addDrop(call, call.endedNs(), all);
        if (!call.what().equals("convert") && !call.what().equals("lock")) {
            return;
        }
        for (int i = 0; i < losses.size(); i++) {
            Loss loss = losses.get(i);
            boolean spans =
                    !loss.killed()
                            && loss.mount() == call.mount()
                            && call.begunNs() < loss.endedNs()
                            && call.endedNs() > loss.begunNs();
            if (spans) {
                all.add(call.maybe(GHOST, call.endedNs(), lossesBefore(i)));
            }
        }
    }

    private static void addDrop(Call call, long untilNs, List<Call> all) {
        boolean converts = call.what().equals("convert") && call.errno() != LockModel.EAGAIN;
        if (converts && (call.isOpen() || call.arguments().contains("wait"))) {
            all.add(call.maybe(DROP, untilNs, Integer.MAX_VALUE));
        }
    }

    /** How many losses its mount has had before this one. */
    private int lossesBefore(int index) {
        int mount = losses.get(index).mount();
        return (int) losses.subList(0, index).stream().filter(l -> l.mount() == mount).count();
    }

    private int lossesBeforeNextKill(Call call) {
        int kills = 0;
        for (int i = 0; i < losses.size(); i++) {
            Loss loss = losses.get(i);
            if (loss.mount() == call.mount() && loss.killed()) {
                if (kills == call.life()) {
                    return lossesBefore(i);
                }
                kills++;
            }
        }
        return Integer.MAX_VALUE;
    }

    private Call loss(String object, int index) {
        Loss loss = losses.get(index);
        return new Call(
                loss.mount(),
                0,
                loss.killed() ? KILLED : PAUSED,
                object,
                List.of(),
                loss.begunNs(),
                loss.endedNs(),
                0,
                "",
                lossesBefore(index));
    }
}
