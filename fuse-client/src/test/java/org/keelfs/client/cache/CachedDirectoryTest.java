package org.keelfs.client.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

class CachedDirectoryTest {
    private static final Name A = Name.of("a");
    private static final Name B = Name.of("b");

    private final CachedDirectory directory = new CachedDirectory(new AtomicLong());

    private static Child child(int inode, int position) {
        return new Child(new InodeId(inode), FileType.REGULAR, position);
    }

    private boolean isAbsent(Name name) {
        Child found = directory.find(name);
        return found != null && CachedDirectory.isAbsence(found);
    }

    @Test
    void whatWasNeverHeardOfIsUnknown() {
        assertNull(directory.find(A));
    }

    @Test
    void anAbsenceAskedForBeforeAnOwnCreateIsNotBelieved() {
        long ticket = directory.ticket();
        directory.beginChange();
        directory.put(A, child(2, 1));
        directory.endChange();
        directory.learnAbsence(ticket, A);
        assertEquals(child(2, 1), directory.find(A));
    }

    @Test
    void anAnswerAskedForDuringAChangeIsNotBelieved() {
        directory.beginChange();
        long ticket = directory.ticket();
        directory.endChange();
        directory.learnAbsence(ticket, A);
        assertNull(directory.find(A));
    }

    @Test
    void aCompleteListingKnowsEveryAbsenceButNotWhileAChangeIsUnderWay() {
        long ticket = directory.ticket();
        directory.learn(ticket, A, child(2, 1));
        directory.learnComplete(ticket);
        assertTrue(isAbsent(B));
        directory.beginChange();
        assertNull(directory.find(B));
        directory.put(B, child(3, 2));
        directory.endChange();
        assertEquals(child(3, 2), directory.find(B));
    }

    @Test
    void aListingThatAChangeInterruptedIsNotComplete() {
        long ticket = directory.ticket();
        directory.learn(ticket, A, child(2, 1));
        directory.beginChange();
        directory.endChange();
        directory.learnComplete(ticket);
        assertFalse(directory.isComplete());
    }

    @Test
    void aCompleteListingIsReadInOrderOfPositions() {
        CachedDirectory made = CachedDirectory.newlyMade(new InodeId(1), new AtomicLong());
        made.put(B, child(3, 9));
        made.put(A, child(2, 4));
        assertEquals(A, assertNotNullListed(made.after(0)).name());
        assertEquals(B, assertNotNullListed(made.after(4)).name());
        assertNull(made.after(9));
        made.putAbsence(A);
        assertEquals(B, assertNotNullListed(made.after(0)).name());
    }

    @Test
    void aNameWhoseChangeWasNotCoveredIsUnknownInACompleteListingToo() {
        CachedDirectory made = CachedDirectory.newlyMade(new InodeId(1), new AtomicLong());
        made.put(B, child(3, 1));
        made.beginChange();
        made.forget(A);
        made.endChange();
        assertNull(made.find(A));
        assertEquals(child(3, 1), made.find(B));
    }

    private static CachedDirectory.Listed assertNotNullListed(CachedDirectory.Listed listed) {
        assertNotNull(listed);
        return listed;
    }

    @Test
    void anEntryWithoutPositionMakesTheListingIncomplete() {
        CachedDirectory made = CachedDirectory.newlyMade(new InodeId(1), new AtomicLong());
        made.put(A, child(2, 0));
        assertFalse(made.isComplete());
        assertEquals(child(2, 0), made.find(A));
    }
}
