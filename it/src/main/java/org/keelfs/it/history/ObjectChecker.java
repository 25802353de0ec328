package org.keelfs.it.history;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Whether the calls on one object can be put in one order that respects real time. */
public final class ObjectChecker<S> {
    /* Wing and Gong's search over a list of begins and ends [1], with Lowe's memory of (calls done, states) that led
     * nowhere [2]. Where more than one state is possible, after a loss or a call of unknown outcome, the search carries
     * all of them: a call fits when it fits one.
     * [1] Testing and verifying concurrent objects. [2] Testing for linearizability. */

    /**
     * Of (calls done, states); beyond it a history counts as undecided, which no bounded run is.
     */
    private static final int REMEMBERED_MAX = 1_000_000;

    /** Calls shown in front of where it goes wrong. */
    private static final int SHOWN = 25;

    private final LossyModel<S> model;
    private final List<Call> calls;
    private final Set<Known<S>> known = new HashSet<>();
    private final Deque<Taken<S>> taken = new ArrayDeque<>();
    private List<Call> longest = List.of();

    private record Known<S>(BitSet done, Set<LossyModel.State<S>> states) {}

    /** A call put at its place; {@code forced}: no other place needs to be tried. */
    private record Taken<S>(Node node, Set<LossyModel.State<S>> before, boolean forced) {}

    /** Begin or end of a call, in a list that calls leave when they are done. */
    private static final class Node {
        final int index;
        final @Nullable Node end;
        Node previous = this;
        Node next = this;

        Node(int index, @Nullable Node end) {
            this.index = index;
            this.end = end;
        }

        void unlink() {
            previous.next = next;
            next.previous = previous;
        }

        void relink() {
            previous.next = this;
            next.previous = this;
        }
    }

    private ObjectChecker(ObjectModel<S> model, List<Call> calls, int mounts) {
        this.model = new LossyModel<>(model, mounts, calls);
        this.calls = calls;
    }

    /**
     * Checks the calls on one object, losses of mounts among them.
     *
     * @return null when all is well, else a picture of what is wrong
     * @throws IllegalStateException when it takes too much memory to find out
     */
    public static <S> @Nullable String check(ObjectModel<S> model, List<Call> calls, int mounts) {
        var relevant =
                calls.stream()
                        .filter(c -> !c.isOpen() || !c.isObserver())
                        .sorted(Comparator.comparingLong(Call::begunNs))
                        .toList();
        var checker = new ObjectChecker<>(model, relevant, mounts);
        return checker.search() ? null : checker.picture();
    }

    private static long end(Call call) {
        return call.isOpen() ? Call.NEVER : call.endedNs();
    }

    /** All begins and ends in the order of time, in a ring around the head. */
    private Node ring() {
        record Event(long ns, boolean isEnd, Node node) {}
        var events = new ArrayList<Event>();
        for (int i = 0; i < calls.size(); i++) {
            var end = new Node(i, null);
            events.add(new Event(calls.get(i).begunNs(), false, new Node(i, end)));
            events.add(new Event(end(calls.get(i)), true, end));
        }
        events.sort(Comparator.comparingLong(Event::ns).thenComparing(Event::isEnd));
        var head = new Node(-1, null);
        for (Event event : events) {
            Node node = event.node;
            node.previous = head.previous;
            node.next = head;
            node.relink();
        }
        return head;
    }

    private boolean search() {
        Node head = ring();
        Set<LossyModel.State<S>> states = Set.of(model.initial());
        var done = new BitSet(calls.size());
        Node at = head.next;
        while (head.next != head) {
            Node end = at.end;
            if (end == null) {
                // What has not found its place before its own end needs another order before it.
                Taken<S> last = backtrack(done);
                if (last == null) {
                    return false;
                }
                states = last.before;
                at = last.node.next;
                continue;
            }
            Call call = calls.get(at.index);
            Set<LossyModel.State<S>> next = model.after(states, call);
            if (!next.isEmpty() && remember(done, at.index, next)) {
                taken.push(new Taken<>(at, states, changesNothing(call) && next.equals(states)));
                states = next;
                done.set(at.index);
                end.unlink();
                at.unlink();
                at = head.next;
            } else {
                at = at.next;
            }
        }
        return true;
    }

    /** Wherever it is put; what it saw is seen here as well as anywhere. */
    private static boolean changesNothing(Call call) {
        return !call.isOpen() && (call.isObserver() || call.errno() != 0);
    }

    private boolean remember(BitSet done, int index, Set<LossyModel.State<S>> states) {
        if (known.size() >= REMEMBERED_MAX) {
            throw new IllegalStateException(
                    "undecided after " + REMEMBERED_MAX + " steps:\n" + picture());
        }
        var after = (BitSet) done.clone();
        after.set(index);
        return known.add(new Known<>(after, states));
    }

    private @Nullable Taken<S> backtrack(BitSet done) {
        if (taken.size() > longest.size() || longest.isEmpty()) {
            longest = new ArrayList<>(taken.size());
            taken.descendingIterator().forEachRemaining(t -> longest.add(calls.get(t.node.index)));
        }
        while (!taken.isEmpty()) {
            Taken<S> last = taken.pop();
            last.node.relink();
            Node end = last.node.end;
            if (end != null) {
                end.relink();
            }
            done.clear(last.node.index);
            if (!last.forced) {
                return last;
            }
        }
        return null;
    }

    private String picture() {
        var placed = new HashSet<>(longest);
        var text = new StringBuilder("not linearizable; the longest order found ends with\n");
        longest.stream()
                .skip(Math.max(0, longest.size() - SHOWN))
                .forEach(c -> text.append("  ").append(c).append('\n'));
        text.append("after which none of these fits\n");
        long firstEnd =
                calls.stream()
                        .filter(c -> !placed.contains(c))
                        .mapToLong(ObjectChecker::end)
                        .min()
                        .orElse(Call.NEVER);
        calls.stream()
                .filter(c -> !placed.contains(c) && c.begunNs() <= firstEnd)
                .forEach(c -> text.append("  ").append(c).append('\n'));
        return text.toString();
    }
}
