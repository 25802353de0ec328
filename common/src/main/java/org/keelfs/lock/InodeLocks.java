package org.keelfs.lock;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.SessionId;

/**
 * The locks that are held on one inode, and who waits for one, in order. On the server those of all
 * sessions, in a mount its own. Confined to its owner.
 *
 * <p>As Linux does it: a lock is refused only for what is held, never for who waits already, so
 * readers can keep a writer waiting; whatever is given up goes to those who wait in their order.
 */
public final class InodeLocks {
    /* Ranges of one owner by their start; they do not overlap, and neighbours of one type are merged as fcntl(2) says.
     */
    private final Map<LockOwner, TreeMap<Long, RangeLock>> held = new LinkedHashMap<>();

    /** By token, the longest waiting first. */
    private final Map<Long, RangeLock> waiting = new LinkedHashMap<>();

    private int rangeCount;

    /** Held ranges. */
    public int rangeCount() {
        return rangeCount;
    }

    public boolean isIdle() {
        return held.isEmpty() && waiting.isEmpty();
    }

    public boolean hasWaits() {
        return !waiting.isEmpty();
    }

    // ---- asking ----

    /** The first byte's lock of another owner that forbids this one, or null. */
    public @Nullable RangeLock conflict(RangeLock wanted) {
        RangeLock first = null;
        for (TreeMap<Long, RangeLock> ranges : held.values()) {
            RangeLock found = firstConflict(ranges, wanted);
            if (found != null && (first == null || found.start() < first.start())) {
                first = found;
            }
        }
        return first;
    }

    /** All other owners whose locks forbid this one. */
    void forEachBlocker(RangeLock wanted, Consumer<LockOwner> sink) {
        for (Map.Entry<LockOwner, TreeMap<Long, RangeLock>> entry : held.entrySet()) {
            if (firstConflict(entry.getValue(), wanted) != null) {
                sink.accept(entry.getKey());
            }
        }
    }

    private static @Nullable RangeLock firstConflict(
            TreeMap<Long, RangeLock> ranges, RangeLock wanted) {
        LockOwner owner = ranges.firstEntry().getValue().owner();
        if (owner.kind() != wanted.owner().kind() || owner.equals(wanted.owner())) {
            return null;
        }
        Map.Entry<Long, RangeLock> at = ranges.floorEntry(wanted.start());
        if (at == null || at.getValue().end() < wanted.start()) {
            at = ranges.higherEntry(wanted.start());
        }
        while (at != null && at.getKey() <= wanted.end()) {
            if (at.getValue().conflicts(wanted)) {
                return at.getValue();
            }
            at = ranges.higherEntry(at.getKey());
        }
        return null;
    }

    /** Whether the owner holds the whole range, in exactly this type. */
    public boolean holds(RangeLock wanted) {
        TreeMap<Long, RangeLock> ranges = held.get(wanted.owner());
        Map.Entry<Long, RangeLock> at = ranges == null ? null : ranges.floorEntry(wanted.start());
        // Neighbours of one type are merged, so one range has to hold it all.
        return at != null
                && at.getValue().end() >= wanted.end()
                && at.getValue().exclusive() == wanted.exclusive();
    }

    /** Whether the owner holds any byte of the range. */
    public boolean holdsAny(LockOwner owner, long start, long end) {
        TreeMap<Long, RangeLock> ranges = held.get(owner);
        Map.Entry<Long, RangeLock> at = ranges == null ? null : ranges.floorEntry(end);
        return at != null && at.getValue().end() >= start;
    }

    public boolean holdsAny(LockOwner owner) {
        return held.containsKey(owner);
    }

    /** What the owner holds between two bytes, in order, cut to that. */
    public List<RangeLock> held(LockOwner owner, long start, long end) {
        List<RangeLock> found = new ArrayList<>();
        TreeMap<Long, RangeLock> ranges = held.get(owner);
        if (ranges != null) {
            for (RangeLock range : ranges.values()) {
                if (range.start() <= end && range.end() >= start) {
                    found.add(
                            range.from(Math.max(start, range.start()))
                                    .upTo(Math.min(end, range.end())));
                }
            }
        }
        return found;
    }

    /** What a session holds. */
    public List<RangeLock> held(SessionId session) {
        List<RangeLock> found = new ArrayList<>();
        held.forEach(
                (owner, ranges) -> {
                    if (owner.session().equals(session)) {
                        found.addAll(ranges.values());
                    }
                });
        return found;
    }

    /** Everything held. */
    public List<RangeLock> held() {
        List<RangeLock> found = new ArrayList<>(rangeCount);
        held.values().forEach(ranges -> found.addAll(ranges.values()));
        return found;
    }

    /** Whether a session other than this one holds or waits for anything. */
    public boolean concernsOthersThan(SessionId session) {
        for (LockOwner owner : held.keySet()) {
            if (!owner.session().equals(session)) {
                return true;
            }
        }
        for (RangeLock lock : waiting.values()) {
            if (!lock.owner().session().equals(session)) {
                return true;
            }
        }
        return false;
    }

    // ---- changing what is held ----

    /** The owner holds this from now on, in place of what it held of the range. */
    public void put(RangeLock lock) {
        remove(lock.owner(), lock.start(), lock.end());
        TreeMap<Long, RangeLock> ranges =
                held.computeIfAbsent(lock.owner(), _ -> new TreeMap<Long, RangeLock>());
        RangeLock merged = lock;
        Map.Entry<Long, RangeLock> before = ranges.lowerEntry(merged.start());
        if (before != null && joins(before.getValue(), merged)) {
            merged = merged.from(before.getKey());
            ranges.remove(before.getKey());
            rangeCount--;
        }
        Map.Entry<Long, RangeLock> after = ranges.higherEntry(merged.start());
        if (after != null && joins(merged, after.getValue())) {
            merged = merged.upTo(after.getValue().end());
            ranges.remove(after.getKey());
            rangeCount--;
        }
        ranges.put(merged.start(), merged);
        rangeCount++;
    }

    private static boolean joins(RangeLock left, RangeLock right) {
        return left.exclusive() == right.exclusive()
                && left.end() != RangeLock.END_MAX
                && left.end() + 1 == right.start();
    }

    /** The owner holds nothing between these bytes any more. */
    public void remove(LockOwner owner, long start, long end) {
        TreeMap<Long, RangeLock> ranges = held.get(owner);
        if (ranges == null) {
            return;
        }
        Map.Entry<Long, RangeLock> at = ranges.floorEntry(start);
        if (at == null || at.getValue().end() < start) {
            at = ranges.higherEntry(start);
        }
        while (at != null && at.getKey() <= end) {
            RangeLock old = at.getValue();
            ranges.remove(old.start());
            rangeCount--;
            if (old.start() < start) {
                ranges.put(old.start(), old.upTo(start - 1));
                rangeCount++;
            }
            if (old.end() > end) {
                ranges.put(end + 1, old.from(end + 1));
                rangeCount++;
            }
            at = ranges.higherEntry(old.start());
        }
        if (ranges.isEmpty()) {
            held.remove(owner);
        }
    }

    /** All of the owner's. */
    public void remove(LockOwner owner) {
        TreeMap<Long, RangeLock> ranges = held.remove(owner);
        rangeCount -= ranges == null ? 0 : ranges.size();
    }

    /** All of a session's, held or waited for; the tokens of the latter go to the sink. */
    public void remove(SessionId session, Consumer<Long> waits) {
        for (LockOwner owner : List.copyOf(held.keySet())) {
            if (owner.session().equals(session)) {
                remove(owner);
            }
        }
        for (Map.Entry<Long, RangeLock> wait : List.copyOf(waiting.entrySet())) {
            if (wait.getValue().owner().session().equals(session)) {
                waiting.remove(wait.getKey());
                waits.accept(wait.getKey());
            }
        }
    }

    // ---- waiting ----

    /** Waits behind all others; the token is not in use. */
    public void await(long token, RangeLock wanted) {
        Invariant.check(waiting.put(token, wanted) == null, "a token of a wait is in use");
    }

    /** The wanted lock of a wait, or null when it is over. */
    public @Nullable RangeLock waitFor(long token) {
        return waiting.get(token);
    }

    /** Waits no longer; whether it did. */
    public boolean leave(long token) {
        return waiting.remove(token) != null;
    }

    /** Those who wait, in order. */
    public Map<Long, RangeLock> waits() {
        return waiting;
    }

    /** A wait that is over. */
    public record Granted(long token, RangeLock lock) {}

    /**
     * Something was given up: the first of those who wait that can go on gets its lock. To be
     * called again until it returns null: nobody else can.
     */
    public @Nullable Granted grantNext() {
        for (Map.Entry<Long, RangeLock> wait : waiting.entrySet()) {
            if (conflict(wait.getValue()) == null) {
                var granted = new Granted(wait.getKey(), wait.getValue());
                waiting.remove(granted.token);
                put(granted.lock);
                return granted;
            }
        }
        return null;
    }

    /** Laws that hold between any two inputs. */
    public void invariants() {
        int count = 0;
        List<RangeLock> all = held();
        for (TreeMap<Long, RangeLock> ranges : held.values()) {
            Invariant.check(!ranges.isEmpty(), "an owner without locks");
            RangeLock last = null;
            for (RangeLock range : ranges.values()) {
                boolean apart = last == null || last.end() < range.start();
                Invariant.check(apart, "ranges of one owner overlap");
                Invariant.check(last == null || !joins(last, range), "ranges are not merged");
                last = range;
                count++;
            }
        }
        Invariant.check(count == rangeCount, "%d ranges counted as %d", count, rangeCount);
        for (RangeLock one : all) {
            Invariant.check(all.stream().noneMatch(one::conflicts), "conflicting locks are held");
        }
        for (RangeLock wanted : waiting.values()) {
            Invariant.check(conflict(wanted) != null, "a wait for a lock that is free");
        }
    }
}
