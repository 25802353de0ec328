package org.keelfs.it.history;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Predicate;

/**
 * Who holds what of a file, and what was written under locks.
 *
 * @param held in the order of owners
 * @param values of the sections' registers
 * @param closed owners that are gone with their handle
 * @param losses how often each mount may have lost its locks, from mount 1 on
 */
public record LockState(
        List<Held> held, List<Long> values, List<Long> closed, List<Integer> losses) {
    /**
     * Locks of an owner.
     *
     * @param exclusive its sections with a write lock, one bit each
     * @param shared those with a read lock
     * @param ghost nobody was told of them: they go with the session
     */
    record Held(long owner, int mount, int exclusive, int shared, boolean ghost) {
        boolean isNothing() {
            return exclusive == 0 && shared == 0;
        }
    }

    static LockState initial(int sections, int mounts) {
        return new LockState(
                List.of(),
                java.util.Collections.nCopies(sections, 0L),
                List.of(),
                java.util.Collections.nCopies(mounts, 0));
    }

    /** What an owner holds. */
    Held of(long owner, int mount) {
        return held.stream()
                .filter(each -> each.owner == owner)
                .findFirst()
                .orElse(new Held(owner, mount, 0, 0, false));
    }

    /** Sections of others that forbid a lock on these. */
    List<Held> conflicts(long owner, int sections, boolean exclusive) {
        return held.stream()
                .filter(each -> each.owner != owner)
                .filter(
                        each ->
                                (sections & each.exclusive) != 0
                                        || (exclusive && (sections & each.shared) != 0))
                .toList();
    }

    LockState with(Held changed) {
        var now = new ArrayList<>(without(each -> each.owner == changed.owner).held);
        if (!changed.isNothing()) {
            now.add(changed);
        }
        now.sort(Comparator.comparingLong(Held::owner));
        return new LockState(List.copyOf(now), values, closed, losses);
    }

    LockState without(Predicate<Held> gone) {
        return new LockState(held.stream().filter(gone.negate()).toList(), values, closed, losses);
    }

    LockState with(int section, long value) {
        var now = new ArrayList<>(values);
        now.set(section, value);
        return new LockState(held, List.copyOf(now), closed, losses);
    }

    LockState afterClose(long owner) {
        var now = new ArrayList<>(closed);
        now.add(owner);
        now.sort(null);
        return new LockState(without(each -> each.owner == owner).held, values, now, losses);
    }

    LockState afterLoss(int mount) {
        var now = new ArrayList<>(losses);
        now.set(mount - 1, now.get(mount - 1) + 1);
        return new LockState(held, values, closed, List.copyOf(now));
    }
}
