package org.keelfs.client.cache;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.EntryRow;

/**
 * Entries of one directory, as far as a lease on it lets them be known: some present, some absent,
 * or all. Guarded by itself.
 *
 * <p>Answers from the server may overtake the mount's own changes. Who asks takes {@link #ticket}
 * before and hands it in with the answer; a change in between makes the answer worthless for the
 * cache.
 */
public final class CachedDirectory {
    /**
     * Entries kept of one directory; about 150 bytes each. A larger listing is read page by page
     * and only single names of it are kept.
     */
    static final int ENTRIES_MAX = 100_000;

    /** An entry: inode, type, and the position that is its readdir cookie. */
    public record Child(InodeId inode, FileType type, long position) {}

    private static final Child ABSENT = new Child(new InodeId(0), FileType.REGULAR, 0);

    /** Entries of all directories of the cache. */
    private final AtomicLong total;

    private final Map<Name, Child> children = new HashMap<>();
    private final TreeMap<Long, Name> byPosition = new TreeMap<>();
    private boolean complete;
    private long changes;
    private int changesUnderWay;
    private @Nullable InodeId parent;
    private boolean dropped;

    CachedDirectory(AtomicLong total) {
        this.total = total;
    }

    /** Position of the next entry; 0 where only the server knows it. */
    private long nextPosition;

    /** Of a directory that this mount just made: complete, and empty. */
    static CachedDirectory newlyMade(InodeId parent, AtomicLong total) {
        var directory = new CachedDirectory(total);
        directory.complete = true;
        directory.parent = parent;
        directory.nextPosition = EntryRow.FIRST_POSITION;
        return directory;
    }

    /** Present: the child. Absent for sure: a child with inode 0. Unknown: null. */
    public synchronized @Nullable Child find(Name name) {
        Child child = children.get(name);
        return child == null && complete && changesUnderWay == 0 ? ABSENT : child;
    }

    /** Whether a child stands for an absence. */
    public static boolean isAbsence(Child child) {
        return child.inode.value() == 0;
    }

    public synchronized boolean isComplete() {
        return complete;
    }

    /** The inode of "..", when known. */
    public synchronized @Nullable InodeId parent() {
        return parent;
    }

    public synchronized void learnParent(InodeId inode) {
        parent = inode;
    }

    /** The position that the next entry gets, while WRITE is held; 0: not known. */
    public synchronized long nextPosition() {
        return nextPosition;
    }

    /** An own change moved it. Between beginChange and endChange. */
    public synchronized void nextPosition(long position) {
        nextPosition = position;
    }

    /** The server told it, asked with this ticket. */
    public synchronized void learnNextPosition(long ticket, long position) {
        if (isGood(ticket)) {
            nextPosition = Math.max(nextPosition, position);
        }
    }

    /** To be taken before the server is asked; -1 while a change is under way. */
    public synchronized long ticket() {
        return changesUnderWay > 0 ? -1 : changes;
    }

    /** A change of this directory is about to be sent. */
    public synchronized void beginChange() {
        changesUnderWay++;
        changes++;
    }

    /** It is done, or failed. */
    public synchronized void endChange() {
        changesUnderWay--;
        changes++;
    }

    /** Whether an answer asked for with this ticket is still good. */
    private boolean isGood(long ticket) {
        return ticket >= 0 && ticket == changes;
    }

    public synchronized void learn(long ticket, Name name, Child child) {
        if (isGood(ticket)) {
            put(name, child);
        }
    }

    public synchronized void learnAbsence(long ticket, Name name) {
        if (isGood(ticket) && !complete && children.size() < ENTRIES_MAX) {
            set(name, ABSENT);
        }
    }

    /** All entries were read between the ticket and now, and are known to the cache one by one. */
    public synchronized void learnComplete(long ticket) {
        if (isGood(ticket) && children.size() < ENTRIES_MAX) {
            int before = children.size();
            children.values().removeIf(CachedDirectory::isAbsence);
            total.addAndGet(children.size() - before);
            complete = !dropped;
        }
    }

    /** The mount's own change put this name there. Between beginChange and endChange. */
    public synchronized void put(Name name, Child child) {
        if (children.size() >= ENTRIES_MAX && !children.containsKey(name)) {
            complete = false;
            return;
        }
        set(name, child);
        if (dropped || child.position <= 0) {
            complete = false;
        }
    }

    private void set(Name name, Child child) {
        remove(name);
        if (dropped) {
            return;
        }
        children.put(name, child);
        total.incrementAndGet();
        if (child.position > 0) {
            byPosition.put(child.position, name);
        }
    }

    /** The mount's own change took the name away. */
    public synchronized void putAbsence(Name name) {
        remove(name);
        if (!complete && children.size() < ENTRIES_MAX) {
            set(name, ABSENT);
        }
    }

    private void remove(Name name) {
        Child old = children.remove(name);
        if (old != null) {
            total.decrementAndGet();
        }
        if (old != null && old.position > 0) {
            byPosition.remove(old.position);
        }
    }

    /**
     * Of this name nothing certain is known any more, also where it was known to be absent because
     * the listing was complete.
     */
    public synchronized void forget(Name name) {
        remove(name);
        complete = false;
    }

    /** One entry of a listing. */
    public record Listed(Name name, Child child) {}

    /** The first entry behind a position; null at the end. Only of a complete listing. */
    public synchronized @Nullable Listed after(long position) {
        Map.Entry<Long, Name> next = byPosition.higherEntry(position);
        if (next == null) {
            return null;
        }
        Child child = children.get(next.getValue());
        return child == null ? null : new Listed(next.getValue(), child);
    }

    /** Forgets all entries, so that nothing of them is known any more. */
    synchronized void shrink() {
        total.addAndGet(-children.size());
        children.clear();
        byPosition.clear();
        complete = false;
    }

    /** Not in the cache any more: it keeps nothing from here on. */
    synchronized void drop() {
        dropped = true;
        shrink();
    }
}
