package org.keelfs.fuse.kernel;

import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.fuse.kernel.protocol.Opcode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Requests that moved to threads of their own: who may be interrupted, what waits and since when.
 * Thread-safe.
 *
 * <p>The kernel sends FUSE_INTERRUPT once, at the first signal of whatever kind. A program that
 * handles a signal does not expect EINTR from what a local file system does in an uninterruptible
 * sleep, and many take it for an error of the disk: so only waits for locks end at any signal, all
 * else when the process is being killed, which is looked up until the request is done.
 *
 * <p>An interrupt can be read before its target is entered here, by another reader than the
 * target's. Such uniques are remembered for a while; numbers are never used again, so a stale one
 * does no harm.
 */
final class Requests {
    private static final Logger LOG = LoggerFactory.getLogger(Requests.class);

    /** Early interrupts remembered: more than readers can have in hand at one time. */
    private static final int EARLY_MAX = 256;

    /** A request that waits longer gets a line in the log: half the deadline of an operation. */
    private static final long NOTABLE_WAIT_NS = 30_000_000_000L;

    /**
     * One request under way. Guards its own interrupts: none arrives after {@link Requests#leave}.
     */
    static final class Ticket {
        private final String what;
        private final Thread thread;
        private final int pid;
        private final boolean mayWaitForEver;
        private final long sinceNs = System.nanoTime();
        private long reportedNs;
        private boolean done;

        private Ticket(String what, Thread thread, int pid, boolean mayWaitForEver) {
            this.what = what;
            this.thread = thread;
            this.pid = pid;
            this.mayWaitForEver = mayWaitForEver;
        }

        private synchronized void interrupt() {
            if (!done) {
                thread.interrupt();
            }
        }

        private synchronized void end() {
            done = true;
        }

        private synchronized boolean isDone() {
            return done;
        }
    }

    private final ConcurrentHashMap<Long, Ticket> waiting = new ConcurrentHashMap<>();

    /** Those whose process got a signal that does not kill it. */
    private final ConcurrentHashMap.KeySetView<Ticket, Boolean> signalled =
            ConcurrentHashMap.newKeySet();

    private final long[] early = new long[EARLY_MAX];
    private int earlyNext;

    /** The current thread serves the request from here on. */
    Ticket enter(Exchange x) {
        boolean mayWaitForEver = x.opcode() == Opcode.SETLKW;
        var ticket = new Ticket(x.toString(), Thread.currentThread(), x.pid(), mayWaitForEver);
        waiting.put(x.unique(), ticket);
        if (wasInterruptedEarly(x.unique())) {
            onSignal(ticket);
        }
        return ticket;
    }

    /** After this the thread gets no interrupt on behalf of the request. */
    void leave(Exchange x, Ticket ticket) {
        waiting.remove(x.unique());
        ticket.end();
        signalled.remove(ticket);
    }

    /** FUSE_INTERRUPT: there is a signal for the process that waits for this request. */
    void interrupt(long unique) {
        Ticket ticket = waiting.get(unique);
        if (ticket == null) {
            rememberEarly(unique);
            ticket = waiting.get(unique);
        }
        if (ticket != null) {
            onSignal(ticket);
        }
    }

    private void onSignal(Ticket ticket) {
        if (ticket.mayWaitForEver || Signals.isBeingKilled(ticket.pid)) {
            ticket.interrupt();
            return;
        }
        signalled.add(ticket);
        if (ticket.isDone()) {
            signalled.remove(ticket);
        }
    }

    /** Interrupts whose process is being killed by now; to be called often. */
    void interruptKilled() {
        for (Ticket ticket : signalled) {
            if (Signals.isBeingKilled(ticket.pid)) {
                ticket.interrupt();
                signalled.remove(ticket);
            }
        }
    }

    private synchronized void rememberEarly(long unique) {
        early[earlyNext] = unique;
        earlyNext = (earlyNext + 1) % EARLY_MAX;
    }

    private synchronized boolean wasInterruptedEarly(long unique) {
        for (long candidate : early) {
            if (candidate == unique) {
                return true;
            }
        }
        return false;
    }

    /** The mount has ended: nobody wants the locks any more that are waited for. */
    void interruptLockWaits() {
        for (Ticket ticket : waiting.values()) {
            if (ticket.mayWaitForEver) {
                ticket.interrupt();
            }
        }
    }

    /** How many wait. */
    int size() {
        return waiting.size();
    }

    /** Writes what has waited notably long to the log, each at most once per such time. */
    void reportLongWaits() {
        long now = System.nanoTime();
        for (Ticket ticket : waiting.values()) {
            long waitedNs = now - ticket.sinceNs;
            boolean notable = waitedNs - ticket.reportedNs >= NOTABLE_WAIT_NS;
            if (notable && !ticket.mayWaitForEver) {
                ticket.reportedNs = waitedNs;
                LOG.warn("{} has waited for {} s", ticket.what, waitedNs / 1_000_000_000L);
            }
        }
    }
}
