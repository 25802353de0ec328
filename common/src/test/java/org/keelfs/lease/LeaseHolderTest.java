package org.keelfs.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.keelfs.base.InvariantViolation;
import org.keelfs.lease.LeaseHolder.RecallStep;

/** Paper tests of the client's half (DESIGN section 4, leases and recall of a file). */
class LeaseHolderTest {
    private final LeaseHolder holder = new LeaseHolder();

    @Test
    void withoutAGrantNobodyMayUseIt() {
        assertFalse(holder.tryUse(LeaseMode.READ, false));
        assertFalse(holder.covers(LeaseMode.READ));
    }

    @Test
    void writeCoversReadButNotTheOtherWay() {
        assertTrue(holder.onGrant(LeaseMode.READ, 1));
        assertTrue(holder.covers(LeaseMode.READ));
        assertFalse(holder.covers(LeaseMode.WRITE));
        assertTrue(holder.onGrant(LeaseMode.WRITE, 2));
        assertTrue(holder.tryUse(LeaseMode.READ, false));
        assertTrue(holder.tryUse(LeaseMode.WRITE, false));
    }

    @Test
    void whileRecalledOnlyIoOfTheKernelIsServedAndThenNobody() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 1));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.NONE));
        assertFalse(holder.tryUse(LeaseMode.WRITE, false));
        assertTrue(holder.tryUse(LeaseMode.READ, true));
        assertTrue(holder.tryUse(LeaseMode.WRITE, true));
        assertTrue(holder.tryLook(LeaseMode.READ));
        assertEquals(2, holder.ioWhileRecalled(), "a look leaves nothing in the kernel");
        holder.endUse(true);
        holder.endUse(true);
        holder.beginClosing();
        assertFalse(holder.tryUse(LeaseMode.READ, true));
        assertFalse(holder.tryLook(LeaseMode.READ));
        assertFalse(holder.isIdle());
        holder.endUse(true);
        assertTrue(holder.isIdle());
        assertEquals(0, holder.onReturned(LeaseMode.NONE, 0));
        assertEquals(LeaseMode.NONE, holder.mode());
    }

    @Test
    void aLeaseInUseIsNeverReturned() {
        assertTrue(holder.onGrant(LeaseMode.READ, 1));
        assertTrue(holder.tryUse(LeaseMode.READ, false));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.NONE));
        holder.beginClosing();
        assertThrows(InvariantViolation.class, () -> holder.onReturned(LeaseMode.NONE, 0));
    }

    @Test
    void aRecallThatOvertakesItsGrantMakesTheGrantWorthless() {
        assertEquals(RecallStep.NOT_HELD, holder.onRecall(5, LeaseMode.NONE));
        assertFalse(holder.onGrant(LeaseMode.READ, 5));
        assertFalse(holder.covers(LeaseMode.READ));
        assertTrue(holder.onGrant(LeaseMode.READ, 6));
    }

    @Test
    void anOldGrantThatComesLateChangesNothing() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 7));
        assertFalse(holder.onGrant(LeaseMode.READ, 6));
        assertTrue(holder.covers(LeaseMode.WRITE));
    }

    @Test
    void aRecallThatOvertakesTheUpgradeTakesWhatIsHeld() {
        assertTrue(holder.onGrant(LeaseMode.READ, 1));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(2, LeaseMode.NONE));
        assertFalse(holder.covers(LeaseMode.READ));
        assertEquals(2, holder.generation());
        assertFalse(holder.onGrant(LeaseMode.WRITE, 2));
        holder.beginClosing();
        assertEquals(0, holder.onReturned(LeaseMode.NONE, 0));
        assertEquals(LeaseMode.NONE, holder.mode());
    }

    @Test
    void aGrantThatIsNotTakenGoesBackOnlyWhenNothingIsBeingGivenBack() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 4));
        assertTrue(holder.tryUse(LeaseMode.WRITE, false));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(4, LeaseMode.NONE));
        // The same lease, told once more to who asked for it too; and one that replaced it.
        assertFalse(holder.onGrant(LeaseMode.WRITE, 4));
        assertFalse(holder.isToBeReturned(4));
        assertFalse(holder.onGrant(LeaseMode.WRITE, 5));
        assertFalse(holder.isToBeReturned(5));
        holder.endUse(false);
        holder.beginClosing();
        assertEquals(0, holder.onReturned(LeaseMode.NONE, 0));
        assertTrue(holder.isToBeReturned(4));
    }

    @Test
    void writeThatIsLeftIsNotHeldBeforeItIsAskedFor() {
        assertTrue(holder.onGrant(LeaseMode.READ, 1));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.NONE));
        holder.beginClosing();
        assertEquals(0, holder.onReturned(LeaseMode.WRITE, 2));
        assertEquals(LeaseMode.NONE, holder.mode());
        assertTrue(holder.onGrant(LeaseMode.WRITE, 2));
    }

    @Test
    void whatIsRecalledOnTheWayBackIsDenied() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 1));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.READ));
        holder.beginClosing();
        assertEquals(1, holder.beginReturn());
        // The READ that is to be left, before the answer that leaves it.
        assertEquals(RecallStep.NOTHING, holder.onRecall(2, LeaseMode.NONE));
        assertEquals(2, holder.onReturned(LeaseMode.READ, 2));
        assertEquals(LeaseMode.NONE, holder.mode());
        // The next one has nothing to deny: a recall that is repeated is answered by the return.
        assertTrue(holder.onGrant(LeaseMode.WRITE, 3));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(3, LeaseMode.NONE));
        holder.beginClosing();
        assertEquals(3, holder.beginReturn());
        assertEquals(RecallStep.NOTHING, holder.onRecall(3, LeaseMode.NONE));
        assertEquals(0, holder.onReturned(LeaseMode.NONE, 0));
    }

    @Test
    void aRecallWaitsForCallsAndIoOfTheKernelGoesOnMeanwhile() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 1));
        assertTrue(holder.tryUse(LeaseMode.WRITE, false));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.NONE));
        assertTrue(holder.tryUse(LeaseMode.READ, true));
        assertFalse(holder.isWithoutCalls());
        holder.endUse(false);
        assertTrue(holder.isWithoutCalls());
        assertFalse(holder.isIdle());
        holder.endUse(true);
        assertTrue(holder.isIdle());
        holder.invariants();
    }

    @Test
    void theKernelHasNoPagesOfWhatIsShared() {
        assertTrue(holder.onGrant(LeaseMode.SHARED, 1));
        assertFalse(holder.tryUse(LeaseMode.READ, true));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.NONE));
        assertFalse(holder.mayHavePages());
    }

    @Test
    void aRecallOfAnOlderGenerationIsNothingToDo() {
        assertTrue(holder.onGrant(LeaseMode.READ, 7));
        assertEquals(RecallStep.NOTHING, holder.onRecall(3, LeaseMode.NONE));
        assertTrue(holder.covers(LeaseMode.READ));
    }

    @Test
    void aDowngradeKeepsReadUnderItsNewGeneration() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 1));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.READ));
        assertEquals(LeaseMode.READ, holder.keep());
        holder.beginClosing();
        assertEquals(0, holder.onReturned(LeaseMode.READ, 2));
        assertTrue(holder.covers(LeaseMode.READ));
        assertFalse(holder.covers(LeaseMode.WRITE));
    }

    @Test
    void aSecondRecallCanOnlyTakeMore() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 1));
        assertEquals(RecallStep.GIVE_BACK, holder.onRecall(1, LeaseMode.READ));
        assertEquals(RecallStep.NOTHING, holder.onRecall(1, LeaseMode.NONE));
        assertEquals(LeaseMode.NONE, holder.keep());
        assertEquals(RecallStep.NOTHING, holder.onRecall(1, LeaseMode.READ));
        assertEquals(LeaseMode.NONE, holder.keep());
    }

    @Test
    void aLostSessionLeavesNothingAndItsUsersMayFinish() {
        assertTrue(holder.onGrant(LeaseMode.WRITE, 9));
        assertTrue(holder.tryUse(LeaseMode.WRITE, false));
        holder.onLost();
        assertFalse(holder.covers(LeaseMode.READ));
        holder.endUse(false);
        assertTrue(holder.onGrant(LeaseMode.READ, 1));
        holder.invariants();
    }
}
