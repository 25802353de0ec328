package org.keelfs.rpc;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Deadlines in a hashed wheel: adding and removing cost no allocation and no search, which counts
 * because nearly all are removed long before they pass. Precise to {@link #TICK_NS}, never early.
 * Confined to one event loop.
 *
 * <p>Source: Varghese and Lauck, Hashed and hierarchical timing wheels (scheme 6).
 */
final class DeadlineWheel<E extends DeadlineWheel.Entry> {
    /** How late an entry may expire: small against every deadline in use. */
    static final long TICK_NS = 10_000_000;

    /** A turn takes five seconds, the usual deadline: entries are rarely looked at twice. */
    private static final int SLOTS = 512;

    /** What has a deadline; in at most one wheel at a time. */
    abstract static class Entry {
        private @Nullable Entry previous;
        private @Nullable Entry next;
        private int slot = -1;
        private long tick;
    }

    private final @Nullable Entry[] slots = new @Nullable Entry[SLOTS];
    private final long originNs;
    private long tick;
    private int size;

    DeadlineWheel(long nowNs) {
        this.originNs = nowNs;
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(E entry, long deadlineNs) {
        Entry e = entry;
        // Rounded up: an entry expires after its deadline, not before.
        e.tick = Math.max(tick + 1, Math.floorDiv(deadlineNs - originNs, TICK_NS) + 1);
        e.slot = (int) Math.floorMod(e.tick, (long) SLOTS);
        Entry head = slots[e.slot];
        e.previous = null;
        e.next = head;
        if (head != null) {
            head.previous = e;
        }
        slots[e.slot] = e;
        size++;
    }

    /** Takes an entry out; one that is in no wheel stays so. */
    void remove(E entry) {
        unlink(entry);
    }

    private void unlink(Entry e) {
        if (e.slot < 0) {
            return;
        }
        if (e.previous == null) {
            slots[e.slot] = e.next;
        } else {
            e.previous.next = e.next;
        }
        if (e.next != null) {
            e.next.previous = e.previous;
        }
        e.slot = -1;
        e.previous = null;
        e.next = null;
        size--;
    }

    /** Takes out all whose deadline has passed and shows them; the action may add and remove. */
    void advance(long nowNs, Consumer<? super E> expired) {
        long target = Math.floorDiv(nowNs - originNs, TICK_NS);
        // After a long pause one turn visits every slot.
        long first = Math.max(tick + 1, target - SLOTS + 1);
        tick = Math.max(tick, target);
        Entry due = null;
        for (long t = first; t <= target; t++) {
            Entry e = slots[(int) Math.floorMod(t, (long) SLOTS)];
            while (e != null) {
                Entry next = e.next;
                if (e.tick <= target) {
                    unlink(e);
                    e.next = due;
                    due = e;
                }
                e = next;
            }
        }
        while (due != null) {
            Entry e = due;
            due = e.next;
            e.next = null;
            @SuppressWarnings("unchecked") // only E come in by add
            E typed = (E) e;
            expired.accept(typed);
        }
    }
}
