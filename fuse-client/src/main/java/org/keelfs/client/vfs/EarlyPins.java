package org.keelfs.client.vfs;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Pins of inodes that this mount does not know yet, because a recall has overtaken the answer of
 * the open(2) that makes them (docs/decisions/0031). While such an open is under way the inode of
 * any recall for nothing known may be its own: it is pinned before the recall is answered, and
 * whoever waits for that answer cannot remove it. The open takes the pin over; what none of those
 * takes that were under way is unpinned. Guarded by itself, never while waiting.
 */
final class EarlyPins {
    private static final Logger LOG = LoggerFactory.getLogger(EarlyPins.class);

    /**
     * A pin on suspicion.
     *
     * @param before opens with lower numbers may be the one it is for
     * @param made when the server has answered: whether there may be a pin now
     */
    private record Pin(long before, CompletableFuture<Boolean> made) {}

    private final VfsContext vfs;
    private final TreeSet<Long> opens = new TreeSet<>();
    private final Map<InodeId, Pin> pins = new HashMap<>();
    private long nextOpen;

    EarlyPins(VfsContext vfs) {
        this.vfs = vfs;
    }

    // ---- opens that make files ----

    /** An open that may make an inode begins, before the server hears of it. Returns its number. */
    synchronized long begin() {
        long open = nextOpen++;
        opens.add(open);
        return open;
    }

    /**
     * The inode is made, its lease was not taken: whether it is pinned, which is the caller's to
     * end from now on. Waits for a pin that is on its way; for nobody who waits for this mount's
     * locks.
     */
    boolean take(InodeId inode) {
        Pin pin;
        synchronized (this) {
            pin = pins.remove(inode);
        }
        return pin != null && pin.made.join();
    }

    /** The open is over: its handle is counted, or it has failed. */
    void end(long open) {
        Map<InodeId, Pin> left = new HashMap<>();
        synchronized (this) {
            opens.remove(open);
            long oldest = opens.isEmpty() ? nextOpen : opens.first();
            pins.forEach(
                    (inode, pin) -> {
                        if (pin.before <= oldest) {
                            left.put(inode, pin);
                        }
                    });
            left.forEach(pins::remove);
        }
        if (!left.isEmpty()) {
            vfs.session().execute(() -> left.forEach(this::release));
        }
    }

    // ---- recalls ----

    /**
     * Pins the inode of a recall for nothing held if an open under way may be making it; waits for
     * the server. False: none is, and every handle of such an open is counted by now.
     */
    boolean pin(InodeId inode) {
        Pin pin;
        boolean first;
        synchronized (this) {
            if (opens.isEmpty()) {
                return false;
            }
            pin = pins.get(inode);
            first = pin == null;
            if (pin == null) {
                pin = new Pin(nextOpen, new CompletableFuture<>());
                pins.put(inode, pin);
            }
        }
        if (first) {
            submit(inode, pin);
        } else {
            // A repeated recall is not to be answered before the first.
            boolean _ = pin.made.join();
        }
        return true;
    }

    private void submit(InodeId inode, Pin pin) {
        boolean made = true;
        try {
            var submitted = vfs.names().submit(List.of(vfs.commands().pin(inode, true)));
            made = submitted.results().getFirst().getErrno() == 0;
        } catch (FsException e) {
            // Nobody knows: to be unpinned all the same.
            LOG.warn("{}: a file may not be pinned that is being made: {}", inode, e.getMessage());
        } finally {
            pin.made.complete(made);
        }
    }

    /**
     * No open took it; but the file may be open by now, and rely on the pin. With the lock of its
     * state, so that nobody opens it before the server has answered.
     */
    private void release(InodeId inode, Pin pin) {
        if (!pin.made.join()) {
            return;
        }
        vfs.files()
                .with(
                        inode,
                        state -> {
                            if (state.isOpen()) {
                                state.pinned(true);
                                state.pinAcknowledged();
                            } else {
                                unpin(inode);
                            }
                            return state;
                        });
    }

    private void unpin(InodeId inode) {
        try {
            var _ = vfs.names().submit(List.of(vfs.commands().pin(inode, false)));
        } catch (FsException e) {
            LOG.warn("{}: stays pinned until this mount ends: {}", inode, e.getMessage());
        }
    }
}
