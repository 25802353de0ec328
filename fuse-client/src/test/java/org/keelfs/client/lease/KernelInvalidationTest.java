package org.keelfs.client.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import org.junit.jupiter.api.Test;
import org.keelfs.lease.LeaseHolder.RecallStep;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;

/** What the kernel may have of a file when its lease goes. */
final class KernelInvalidationTest {
    private static final InodeId FILE = new InodeId(7);

    private final LeaseEntry entry = new LeaseEntry(0);
    private final BusyKernel kernel = new BusyKernel();

    /** A mount with a handle of the file that is cached. */
    private static final class OpenFile extends NothingKept {
        @Override
        public boolean mayFillPages(InodeId inode) {
            return true;
        }
    }

    /** Fills a page again while it drops the others. */
    private final class BusyKernel implements KernelCache {
        private int reads;
        private int rounds;
        private boolean page = true;

        @Override
        public void invalidateData(InodeId inode, long offset, long length) {
            rounds++;
            page = false;
            if (reads > 0) {
                reads--;
                LeaseUse use = entry.tryUse(LeaseMode.READ, true, false);
                assertNotNull(use, "the page stays locked, and the recall waits for it");
                page = true;
                use.close();
            }
        }

        @Override
        public void storeByte(InodeId inode, long offset, byte value) {}

        @Override
        public void invalidateAttributes(InodeId inode) {}

        @Override
        public void invalidateDirectory(InodeId inode) {}
    }

    private void recall(LeaseMode held) {
        entry.lock();
        try {
            boolean _ = entry.holder.onGrant(held, 1);
            assertEquals(RecallStep.GIVE_BACK, entry.holder.onRecall(1, LeaseMode.NONE));
        } finally {
            entry.unlock();
        }
        KernelInvalidation.run(kernel, new OpenFile(), FILE, entry, LeaseMode.NONE);
    }

    @Test
    void pagesGoInOneRoundWhenNobodyReads() {
        recall(LeaseMode.WRITE);
        assertEquals(1, kernel.rounds);
        assertFalse(kernel.page);
    }

    @Test
    void whatABusyReaderFillsMeanwhileGoesToo() {
        kernel.reads = 200;
        recall(LeaseMode.READ);
        assertEquals(201, kernel.rounds);
        assertFalse(kernel.page, "a page is left without a lease");
    }

    @Test
    void ofASharedFileNothingIsDroppedAndNoPageWaitedFor() {
        recall(LeaseMode.SHARED);
        assertEquals(0, kernel.rounds);
    }
}
