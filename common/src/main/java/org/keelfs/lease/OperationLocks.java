package org.keelfs.lease;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * The operation locks of SHARED mode (DESIGN section 4): who reads and who changes which bytes of a
 * shared file now, and who waits. Confined to its driver.
 */
public final class OperationLocks {
    /* First come, first served, by byte ranges: a request waits for every conflicting one that is held or came before
     * it, so nobody starves, and operations on different sectors go on side by side. What changes the size covers
     * everything from the last sector on, whatever it writes: the size is read and changed under that part.
     *
     * All of it is soft: a session that goes takes its locks along with its lease, after a restart each session says
     * again what it holds. A lock belongs to one period of sharing (the time from the first SHARED lease of a file to
     * the last): a later one knows nothing of it.
     */

    /** Requests that may wait for one file; more are told to come again. */
    static final int WAITING_MAX = 4096;

    /**
     * Who holds a lock that others wait for this long is stuck or gone: operations take
     * milliseconds, a slow disk some hundred.
     */
    static final long PATIENCE_NS = 5_000_000_000L;

    /** Carried out by the driver after each input, in this order. */
    public interface Effects {
        /** The operation begins. A look is over at once. */
        void granted(OperationLock lock);

        /** The mode ends: the asker lets go of its lease and asks for a lease again. */
        void again(OperationLock lock);

        /** Somebody has kept others waiting for too long: all are to leave the mode. */
        void stuck(InodeId inode);
    }

    /** Sizes of files as the server has them now, in bytes. */
    @FunctionalInterface
    public interface Sizes {
        long size(InodeId inode);
    }

    private record Held(OperationLock lock, OperationLock.Range range, long sinceNs) {}

    private record Waiting(OperationLock lock, boolean look) {}

    private static final class File {
        final long period;
        final List<Held> held = new ArrayList<>(4);
        final List<Waiting> waiting = new ArrayList<>(4);

        /** Somebody was stuck: nothing begins any more in this period. */
        boolean closed;

        /** What was behind the size is zeros already, by an operation of this period. */
        boolean trimmed;

        File(long period) {
            this.period = period;
        }
    }

    private final Sizes sizes;
    private final Map<InodeId, File> files = new LinkedHashMap<>();

    public OperationLocks(Sizes sizes) {
        this.sizes = sizes;
    }

    /**
     * A session wants to begin. Asked again with the same token, it gets the same lock.
     *
     * @param period stamp of the session's SHARED lease
     */
    public void onRequest(OperationLock lock, long period, long nowNs, Effects out) {
        File file = fileOf(lock.inode(), period, out);
        if (find(file, lock) != null) {
            out.granted(lock);
            return;
        }
        file.waiting.removeIf(w -> isSame(w.lock, lock));
        if (period < file.period || file.closed || file.waiting.size() >= WAITING_MAX) {
            out.again(lock);
            return;
        }
        file.waiting.add(new Waiting(lock, false));
        settle(lock.inode(), nowNs, out);
    }

    /** Somebody, a sharer or not, wants to see size and times. */
    public void onLook(InodeId inode, SessionId session, long token, long nowNs, Effects out) {
        OperationLock look = OperationLock.look(inode, session, token);
        File file = files.get(inode);
        if (file == null || file.held.isEmpty()) {
            out.granted(look);
        } else {
            file.waiting.add(new Waiting(look, true));
            settle(inode, nowNs, out);
        }
    }

    /** A session held this before the server restarted. Only while nothing else is granted. */
    public void onReclaim(OperationLock lock, long period, long nowNs, Effects out) {
        File file = fileOf(lock.inode(), period, out);
        if (period == file.period && find(file, lock) == null) {
            file.held.add(new Held(lock, lock.rangeAt(sizes.size(lock.inode())), nowNs));
        }
    }

    /** The operation is over, or never began; what it changed is known to {@link Sizes}. */
    public void onRelease(InodeId inode, SessionId session, long token, long nowNs, Effects out) {
        File file = files.get(inode);
        if (file != null) {
            file.held.removeIf(h -> isOf(h.lock, session, token));
            file.waiting.removeIf(w -> isOf(w.lock, session, token));
            settle(inode, nowNs, out);
        }
    }

    /** Nobody waits for the answer any more. */
    public void onCancel(InodeId inode, SessionId session, long token, long nowNs, Effects out) {
        File file = files.get(inode);
        if (file != null) {
            file.waiting.removeIf(w -> isOf(w.lock, session, token));
            settle(inode, nowNs, out);
        }
    }

    /**
     * Leases changed: locks of who does not share any more are gone, and what may not begin comes
     * again.
     *
     * @param shares whether the session of a lock still shares the file in an untainted period
     */
    public void retain(Predicate<OperationLock> shares, long nowNs, Effects out) {
        for (InodeId inode : List.copyOf(files.keySet())) {
            File file = files.get(inode);
            if (file == null) {
                continue;
            }
            for (Waiting w : List.copyOf(file.waiting)) {
                if (!w.look && !shares.test(w.lock)) {
                    file.waiting.remove(w);
                    out.again(w.lock);
                }
            }
            file.held.removeIf(h -> !shares.test(h.lock));
            settle(inode, nowNs, out);
        }
    }

    /** The period of sharing is over: nobody holds SHARED on it. */
    public void onEnded(InodeId inode, Effects out) {
        File file = files.remove(inode);
        if (file != null) {
            file.waiting.forEach(w -> out.again(w.lock));
        }
    }

    /** An operation of this period made zeros of what may have been left behind the size. */
    public void onTrimmed(InodeId inode) {
        File file = files.get(inode);
        if (file != null) {
            file.trimmed = true;
        }
    }

    /** Whether that is still true. */
    public boolean isTrimmed(InodeId inode) {
        File file = files.get(inode);
        return file != null && file.trimmed;
    }

    /** Whether nothing is known yet of this period. */
    public boolean begins(InodeId inode, long period) {
        File file = files.get(inode);
        return file == null || file.period < period;
    }

    /** Files with operations under way or with something remembered. */
    public List<InodeId> files() {
        return List.copyOf(files.keySet());
    }

    /** Time passes. */
    public void onTick(long nowNs, Effects out) {
        for (Map.Entry<InodeId, File> entry : files.entrySet()) {
            File file = entry.getValue();
            boolean stuck =
                    !file.closed
                            && !file.waiting.isEmpty()
                            && file.held.stream().anyMatch(h -> nowNs - h.sinceNs >= PATIENCE_NS);
            if (stuck) {
                file.closed = true;
                // Looks need no lease that they would have to let go of: they wait for the end.
                for (Waiting w : List.copyOf(file.waiting)) {
                    if (!w.look) {
                        file.waiting.remove(w);
                        out.again(w.lock);
                    }
                }
                out.stuck(entry.getKey());
            }
        }
    }

    private File fileOf(InodeId inode, long period, Effects out) {
        File file = files.get(inode);
        if (file != null && period > file.period) {
            onEnded(inode, out);
            file = null;
        }
        if (file == null) {
            file = new File(period);
            files.put(inode, file);
        }
        return file;
    }

    private void settle(InodeId inode, long nowNs, Effects out) {
        File file = files.get(inode);
        if (file == null || file.waiting.isEmpty()) {
            return;
        }
        long size = sizes.size(inode);
        List<Held> before = new ArrayList<>(file.held);
        List<Waiting> still = new ArrayList<>(file.waiting.size());
        for (Waiting w : file.waiting) {
            Held wanted = new Held(w.lock, w.lock.rangeAt(size), nowNs);
            if (before.stream().anyMatch(h -> conflict(h, wanted))) {
                still.add(w);
            } else {
                if (!w.look) {
                    file.held.add(wanted);
                }
                out.granted(w.lock);
            }
            if (!w.look) {
                before.add(wanted);
            }
        }
        file.waiting.clear();
        file.waiting.addAll(still);
    }

    private static boolean conflict(Held a, Held b) {
        return (a.lock.exclusive() || b.lock.exclusive()) && a.range.overlaps(b.range);
    }

    private static @Nullable Held find(File file, OperationLock lock) {
        for (Held held : file.held) {
            if (isSame(held.lock, lock)) {
                return held;
            }
        }
        return null;
    }

    private static boolean isSame(OperationLock a, OperationLock b) {
        return isOf(a, b.session(), b.token());
    }

    private static boolean isOf(OperationLock lock, SessionId session, long token) {
        return lock.token() == token && lock.session().equals(session);
    }

    /** Operations under way. */
    public int heldCount() {
        return files.values().stream().mapToInt(f -> f.held.size()).sum();
    }

    /** Laws that hold between any two inputs. Walks everything. */
    public void invariants() {
        files.forEach(
                (inode, file) -> {
                    for (int i = 0; i < file.held.size(); i++) {
                        for (int j = 0; j < i; j++) {
                            Invariant.check(
                                    !conflict(file.held.get(i), file.held.get(j)),
                                    "operations on %s at once that conflict",
                                    inode);
                        }
                    }
                    Invariant.check(
                            file.waiting.isEmpty() || !file.held.isEmpty(),
                            "an operation on %s waits for nothing",
                            inode);
                });
    }
}
