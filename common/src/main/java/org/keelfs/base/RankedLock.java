package org.keelfs.base;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A lock with a place in an order: who holds one waits only for locks of a higher rank, so that no
 * two threads can wait for each other (Havender, 1968). What only takes a free lock may take any.
 *
 * <p>With assertions on, as in all tests and the processes they start, a thread that is about to
 * wait in the wrong order gets an {@link AssertionError}, also when nobody has the lock just then:
 * a deadlock that needs two threads to meet shows whenever one passes. Without assertions this is
 * the plain lock.
 */
public final class RankedLock extends ReentrantLock {
    private static final long serialVersionUID = 1L;

    private static final boolean CHECKED = RankedLock.class.desiredAssertionStatus();

    private static final ThreadLocal<Deque<RankedLock>> HELD =
            ThreadLocal.withInitial(ArrayDeque::new);

    private final String name;
    private final int rank;
    private final long number;

    /**
     * A free lock.
     *
     * @param name of its kind, for the error
     * @param rank those of one rank are never held together
     */
    public RankedLock(String name, int rank) {
        this(name, rank, 0);
    }

    /**
     * A free lock.
     *
     * @param name of its kind, for the error
     * @param rank of its kind
     * @param number those of one rank are taken in the order of their numbers
     */
    public RankedLock(String name, int rank, long number) {
        this.name = name;
        this.rank = rank;
        this.number = number;
    }

    @Override
    public void lock() {
        checkOrder();
        super.lock();
        noteHeld();
    }

    @Override
    public void lockInterruptibly() throws InterruptedException {
        checkOrder();
        super.lockInterruptibly();
        noteHeld();
    }

    @Override
    public boolean tryLock(long timeout, TimeUnit unit) throws InterruptedException {
        checkOrder();
        boolean got = super.tryLock(timeout, unit);
        if (got) {
            noteHeld();
        }
        return got;
    }

    @Override
    public boolean tryLock() {
        boolean got = super.tryLock();
        if (got) {
            noteHeld();
        }
        return got;
    }

    @Override
    public void unlock() {
        super.unlock();
        if (CHECKED) {
            Deque<RankedLock> held = HELD.get();
            boolean _ = held.removeFirstOccurrence(this);
            if (held.isEmpty()) {
                HELD.remove();
            }
        }
    }

    private void checkOrder() {
        if (!CHECKED || isHeldByCurrentThread()) {
            return;
        }
        for (RankedLock other : HELD.get()) {
            if (other.rank > rank || (other.rank == rank && other.number >= number)) {
                throw new AssertionError(
                        "lock order: %s (%d.%d) is asked for with %s (%d.%d) held"
                                .formatted(
                                        name, rank, number, other.name, other.rank, other.number));
            }
        }
    }

    private void noteHeld() {
        if (CHECKED) {
            HELD.get().push(this);
        }
    }
}
