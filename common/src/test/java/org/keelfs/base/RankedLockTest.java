package org.keelfs.base;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

@SuppressWarnings("LockNotBeforeTry") // what is held when is the point
final class RankedLockTest {
    private final RankedLock first = new RankedLock("first", 1);
    private final RankedLock second = new RankedLock("second", 2);

    @Test
    void locksAreTakenInTheirOrder() {
        first.lock();
        second.lock();
        second.unlock();
        first.unlock();
        second.lock();
        second.unlock();
    }

    @Test
    void theWrongOrderIsAnErrorThoughBothAreFree() {
        second.lock();
        try {
            var error = assertThrows(AssertionError.class, first::lock);
            assertTrue(
                    error.getMessage().contains("first (1.0) is asked for with second (2.0) held"),
                    error.getMessage());
        } finally {
            second.unlock();
        }
        first.lock();
        first.unlock();
    }

    @Test
    void twoOfARankAreNeverHeldTogether() {
        var other = new RankedLock("other", 1);
        first.lock();
        try {
            assertThrows(AssertionError.class, other::lockInterruptibly);
        } finally {
            first.unlock();
        }
    }

    @Test
    void thoseOfARankWithNumbersAreTakenInTheirOrder() {
        var one = new RankedLock("file", 2, 1);
        var two = new RankedLock("file", 2, 2);
        one.lock();
        two.lock();
        one.unlock();
        assertThrows(AssertionError.class, one::lock);
        two.unlock();
    }

    @Test
    void whatIsHeldMayBeTakenAgain() {
        first.lock();
        second.lock();
        first.lock();
        first.unlock();
        // Once more in the other order: the inner unlock has not made it forget the outer lock.
        assertThrows(AssertionError.class, () -> new RankedLock("other", 1).lock());
        second.unlock();
        first.unlock();
        locksAreTakenInTheirOrder();
    }

    @Test
    void whoDoesNotWaitMayTakeAny() {
        second.lock();
        assertTrue(first.tryLock());
        first.unlock();
        second.unlock();
    }
}
