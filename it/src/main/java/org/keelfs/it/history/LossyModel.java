package org.keelfs.it.history;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * An object behind mounts that may lose a suffix of what they have not synced, as a machine does in
 * a power cut: nothing else, and nothing that another mount may have seen.
 */
final class LossyModel<S> {
    private final ObjectModel<S> model;

    /** How often each mount loses something, from mount 1 on. */
    private final List<Integer> lossesInAll;

    LossyModel(ObjectModel<S> model, int mounts, List<Call> calls) {
        this.model = model;
        this.lossesInAll =
                java.util.stream.IntStream.rangeClosed(1, mounts)
                        .mapToObj(mount -> lossesOf(mount, calls))
                        .toList();
    }

    private static int lossesOf(int mount, List<Call> calls) {
        return (int)
                calls.stream()
                        .filter(c -> c.mount() == mount && c.what().equals(Call.LOSS))
                        .count();
    }

    /**
     * A change that its mount may still lose.
     *
     * @param endedNs when it was answered
     */
    record Change<S>(int mount, int parts, S before, S after, long endedNs) {}

    /**
     * @param unsynced in the order in which they happened
     * @param losses how often each mount has lost what it had, from mount 1 on
     */
    record State<S>(S now, List<Change<S>> unsynced, List<Integer> losses) {}

    State<S> initial() {
        return new State<>(
                model.initial(), List.of(), java.util.Collections.nCopies(lossesInAll.size(), 0));
    }

    private boolean mayStillLose(State<S> state, int mount) {
        return state.losses.get(mount - 1) < lossesInAll.get(mount - 1);
    }

    /** All states that there may be after this call; none: it cannot have been answered so. */
    Set<State<S>> after(Set<State<S>> states, Call call) {
        var next = new LinkedHashSet<State<S>>();
        for (State<S> state : states) {
            switch (call.what()) {
                case Call.LOSS -> lose(state, call.mount(), next);
                case Call.SYNC -> next.add(call.isOpen() ? state : synced(state, call));
                default -> step(state, call, next);
            }
        }
        return next;
    }

    private void step(State<S> state, Call call, Set<State<S>> next) {
        if (call.isOpen()) {
            next.add(state);
            if (state.losses.get(call.mount() - 1) > call.life()) {
                return; // Its mount is no more: it never will.
            }
        }
        for (S after : model.outcomes(state.now, call)) {
            next.add(stepped(state, call, after));
        }
    }

    private State<S> stepped(State<S> state, Call call, S after) {
        int parts = model.parts(call);
        List<Change<S>> left = without(state.unsynced, call.mount(), parts);
        if (isSyncedAtOnce(call)) {
            left = left.stream().filter(c -> c.mount != call.mount()).toList();
        } else if (!after.equals(state.now) && mayStillLose(state, call.mount())) {
            left = new ArrayList<>(left);
            left.add(new Change<>(call.mount(), parts, state.now, after, call.endedNs()));
        }
        return new State<>(after, List.copyOf(left), state.losses);
    }

    private static boolean isSyncedAtOnce(Call call) {
        return !call.isOpen() && call.arguments().contains("dsync");
    }

    /** What another mount uses a part, all that was done to it, and before that, is on record. */
    private List<Change<S>> without(List<Change<S>> unsynced, int user, int parts) {
        var left = new ArrayList<Change<S>>();
        for (int i = 0; i < unsynced.size(); i++) {
            Change<S> change = unsynced.get(i);
            boolean seen = false;
            for (Change<S> later : unsynced.subList(i, unsynced.size())) {
                seen |=
                        later.mount == change.mount
                                && later.mount != user
                                && (later.parts & parts) != 0;
            }
            if (!seen) {
                left.add(change);
            }
        }
        return left;
    }

    private State<S> synced(State<S> state, Call call) {
        int last = -1;
        for (int i = 0; i < state.unsynced.size(); i++) {
            Change<S> change = state.unsynced.get(i);
            if (change.mount == call.mount() && change.endedNs < call.begunNs()) {
                last = i;
            }
        }
        var left = new ArrayList<Change<S>>();
        for (int i = 0; i < state.unsynced.size(); i++) {
            if (i > last || state.unsynced.get(i).mount != call.mount()) {
                left.add(state.unsynced.get(i));
            }
        }
        return new State<>(state.now, List.copyOf(left), state.losses);
    }

    private void lose(State<S> state, int mount, Set<State<S>> next) {
        var losses = new ArrayList<>(state.losses);
        losses.set(mount - 1, losses.get(mount - 1) + 1);
        List<Integer> after = List.copyOf(losses);
        List<Change<S>> others = state.unsynced.stream().filter(c -> c.mount != mount).toList();
        S now = state.now;
        next.add(new State<>(now, others, after));
        for (Change<S> change : state.unsynced.reversed()) {
            if (change.mount == mount) {
                now = model.undo(now, change.before, change.after);
                next.add(new State<>(now, others, after));
            }
        }
    }
}
