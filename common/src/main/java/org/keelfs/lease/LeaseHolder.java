package org.keelfs.lease;

import org.keelfs.base.Invariant;

/**
 * The client's half of the lease on one inode: who may use it, and the steps of giving it back.
 * Confined to its driver's lock.
 *
 * <p>A lease is held, then <em>recalled</em> (no new user but reads of the kernel, which the
 * invalidation of its pages waits for), then <em>closing</em> (no new user at all), and once no
 * user is left it is flushed and returned (DESIGN section 4, recall of a file). Generations order
 * grants against recalls: a recall that overtakes its grant makes the grant worthless.
 */
public final class LeaseHolder {
    private enum Phase {
        HELD,
        RECALLED,
        CLOSING
    }

    /** Volatile: who holds a lock that a grant waits for asks for it too ({@link #mode}). */
    private volatile LeaseMode mode = LeaseMode.NONE;

    private Phase phase = Phase.HELD;
    private LeaseMode keep = LeaseMode.NONE;
    private long generation;
    private long worthlessUpTo;
    private int users;

    /** Those of the users that are not I/O of the kernel. */
    private int calls;

    private long ioWhileRecalled;

    /** What is on its way to the server in exchange for an answer; 0 while nothing is. */
    private long returning;

    /** Recalled after that was sent, under another name; 0: nothing was. */
    private long recalledMeanwhile;

    /** This mount made the inode and the server has not heard of it: the generation is to come. */
    private boolean made;

    /** Of an inode never heard of. */
    public LeaseHolder() {
        this(0);
    }

    /**
     * Of an inode that may have been forgotten: grants up to this generation may have been recalled
     * since.
     */
    public LeaseHolder(long worthlessUpTo) {
        this.worthlessUpTo = worthlessUpTo;
    }

    /** Highest generation that a forgotten holder may have given back. */
    public long lastGeneration() {
        return Math.max(generation, worthlessUpTo);
    }

    /** What is held, also while it is being given back; may be asked without the driver's lock. */
    public LeaseMode mode() {
        return mode;
    }

    /** Generation of the newest grant, 0 before the first. */
    public long generation() {
        return generation;
    }

    /** What to keep after the recall under way. */
    public LeaseMode keep() {
        return keep;
    }

    /** The mount makes an inode, ahead of the server: WRITE is held from now on. */
    public void onMade() {
        Invariant.check(mode == LeaseMode.NONE && phase == Phase.HELD, "a new inode is leased");
        mode = LeaseMode.WRITE;
        made = true;
    }

    /** Whether the grant is still to come: a recall has to wait for it. */
    public boolean isMade() {
        return made;
    }

    /**
     * The server has made the inode too, and says what is held. What is in use under WRITE goes on;
     * without a grant everything is lost, as with a session.
     */
    public void onMadeGranted(LeaseMode granted, long grantGeneration) {
        Invariant.check(made, "a grant for what was not made here");
        made = false;
        if (granted == LeaseMode.WRITE) {
            generation = grantGeneration;
        } else {
            onLost();
        }
    }

    /** What can be used now: NONE while it is on its way back. */
    public LeaseMode usable() {
        return phase == Phase.HELD ? mode : LeaseMode.NONE;
    }

    /** Whether cached state may be shown under {@code needed} now. */
    public boolean covers(LeaseMode needed) {
        return phase == Phase.HELD && mode.covers(needed);
    }

    /**
     * Takes part in the lease until {@link #endUse} with the same {@code kernelIo}.
     *
     * @param kernelIo a READ or the write-back of a mapped page, that an invalidation in progress
     *     may wait for
     * @return false when the caller has to get a new grant first
     */
    public boolean tryUse(LeaseMode needed, boolean kernelIo) {
        boolean open = phase == Phase.HELD || (phase == Phase.RECALLED && kernelIo);
        if (!open || !mode.covers(needed)) {
            return false;
        }
        if (phase == Phase.RECALLED) {
            ioWhileRecalled++;
        }
        users++;
        calls += kernelIo ? 0 : 1;
        return true;
    }

    /**
     * Takes part in the lease until {@link #endUse} (as I/O of the kernel) for a look at what it
     * covers, also while the kernel is being told: nothing of it is kept anywhere.
     *
     * @return false when the caller has to get a new grant first
     */
    public boolean tryLook(LeaseMode needed) {
        if (phase == Phase.CLOSING || !mode.covers(needed)) {
            return false;
        }
        users++;
        return true;
    }

    /** One user less. */
    public void endUse(boolean kernelIo) {
        Invariant.check(users > 0 && (kernelIo || calls > 0), "a lease use ended that never began");
        users--;
        calls -= kernelIo ? 0 : 1;
    }

    /**
     * Whether no call uses the lease, but I/O of the kernel may: while it is recalled no file is
     * opened any more then.
     */
    public boolean isWithoutCalls() {
        return calls == 0;
    }

    /**
     * Whether the kernel may have pages that it filled under this. Under SHARED it has none: what
     * it asks for then waits for another lease, with the page locked, and an invalidation would
     * wait for that page. May be asked without the driver's lock.
     */
    public boolean mayHavePages() {
        return mode.covers(LeaseMode.READ);
    }

    /** Whether nobody uses the lease. */
    public boolean isIdle() {
        return users == 0;
    }

    /**
     * Reads and writes of the kernel served since the recall began: while it grows, the
     * invalidation is to be done again.
     */
    public long ioWhileRecalled() {
        return ioWhileRecalled;
    }

    /**
     * A grant arrived. Returns whether what came with it may be cached: not when it was recalled
     * already or an older one than what is held.
     */
    public boolean onGrant(LeaseMode granted, long grantGeneration) {
        if (made) {
            // It comes with the answer to its making, and not before.
            return false;
        }
        if (grantGeneration <= worthlessUpTo || grantGeneration < generation) {
            return false;
        }
        if (grantGeneration == generation) {
            return phase == Phase.HELD && mode == granted && mode != LeaseMode.NONE;
        }
        if (phase != Phase.HELD) {
            // Not to be mixed with what is being given back; when the server wants it, it is not
            // held.
            return false;
        }
        generation = grantGeneration;
        mode = granted;
        return granted != LeaseMode.NONE;
    }

    /**
     * A grant was asked for, and not taken. Whether the server is to hear that it is not held: not
     * while a lease is being given back, for the server knows one lease of an inode, and whoever
     * still uses this one would lose it unseen.
     */
    public boolean isToBeReturned(long grantGeneration) {
        return phase == Phase.HELD && (mode == LeaseMode.NONE || grantGeneration != generation);
    }

    /** What a recall asks of the driver. */
    public enum RecallStep {
        /** Invalidate, flush and return what is held. */
        GIVE_BACK,
        /** Answer at once that nothing of this generation is held. */
        NOT_HELD,
        /** Nothing now: it is being given back already, and {@link #onReturned} says the rest. */
        NOTHING
    }

    /**
     * The server takes a generation back, but for {@code keepMode}. A newer one than what is held
     * has replaced it at the server: what is held goes back in its name.
     */
    public RecallStep onRecall(long recalledGeneration, LeaseMode keepMode) {
        Invariant.check(!made, "a recall before its grant");
        worthlessUpTo = Math.max(worthlessUpTo, recalledGeneration);
        if (recalledGeneration < generation) {
            return RecallStep.NOTHING;
        }
        if (mode == LeaseMode.NONE) {
            return RecallStep.NOT_HELD;
        }
        generation = recalledGeneration;
        if (phase != Phase.HELD) {
            if (returning != 0 && recalledGeneration > returning) {
                recalledMeanwhile = recalledGeneration;
            }
            keep = keep.covers(keepMode) ? keepMode : keep;
            return RecallStep.NOTHING;
        }
        phase = Phase.RECALLED;
        keep = mode.covers(keepMode) ? keepMode : LeaseMode.NONE;
        ioWhileRecalled = 0;
        return RecallStep.GIVE_BACK;
    }

    /**
     * The holder wants to give it back by itself; false when there is nothing to give or it is
     * going already.
     */
    public boolean giveBack() {
        if (mode == LeaseMode.NONE || phase != Phase.HELD || made) {
            return false;
        }
        phase = Phase.RECALLED;
        keep = LeaseMode.NONE;
        ioWhileRecalled = 0;
        return true;
    }

    /** The kernel's caches are empty: from now on there is no new user at all. */
    public void beginClosing() {
        Invariant.check(phase != Phase.HELD, "a lease closes that nobody recalled");
        phase = Phase.CLOSING;
    }

    /** Whether a recall is being carried out. */
    public boolean isLeaving() {
        return phase != Phase.HELD;
    }

    /** It goes to the server now, by this generation; unless it was lost with its session. */
    public long beginReturn() {
        returning = phase == Phase.CLOSING ? generation : 0;
        return generation;
    }

    /**
     * The server has it back, and this is what is left. WRITE that was granted meanwhile is left
     * for who asks next: what it covers did not come with it.
     *
     * @return a generation that was recalled since {@link #beginReturn} and is not held: the server
     *     waits to be told so; 0: there is none
     */
    public long onReturned(LeaseMode left, long leftGeneration) {
        Invariant.check(users == 0, "a lease was returned while %d use it", users);
        phase = Phase.HELD;
        keep = LeaseMode.NONE;
        long denied = recalledMeanwhile;
        returning = 0;
        recalledMeanwhile = 0;
        boolean usable = left == LeaseMode.READ && leftGeneration > worthlessUpTo;
        mode = usable ? LeaseMode.READ : LeaseMode.NONE;
        generation = usable ? Math.max(generation, leftGeneration) : generation;
        return usable ? 0 : denied;
    }

    /**
     * The session is gone, and with it every lease. Users that are left finish on what they have.
     */
    public void onLost() {
        phase = Phase.HELD;
        mode = LeaseMode.NONE;
        keep = LeaseMode.NONE;
        made = false;
        generation = 0;
        worthlessUpTo = 0;
        returning = 0;
        recalledMeanwhile = 0;
    }

    /**
     * The inode is gone, and nothing of its lease matters here any more.
     *
     * @return a generation that the server waits for, to be told that it is not held; 0: it does
     *     not wait
     */
    public long onGone() {
        long denied = isLeaving() ? generation : 0;
        onLost();
        return denied;
    }

    /** Laws that hold between any two inputs. */
    public void invariants() {
        Invariant.check(users >= calls && calls >= 0, "%d users, %d calls", users, calls);
        Invariant.check(
                phase == Phase.HELD || mode != LeaseMode.NONE, "a lease leaves that is not held");
    }
}
