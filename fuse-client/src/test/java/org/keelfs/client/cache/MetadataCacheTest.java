package org.keelfs.client.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

final class MetadataCacheTest {
    private static final int PAGE = 500;

    private final MetadataCache cache = new MetadataCache(1_000, 1_000);

    /** As a listing does it, page by page. */
    private CachedDirectory list(InodeId inode, int pages) {
        CachedDirectory directory = cache.directory(inode);
        for (int at = 0; at < pages * PAGE; at++) {
            if (at % PAGE == 0) {
                directory = cache.directory(inode);
            }
            Child child = new Child(new InodeId(100 + at), FileType.REGULAR, at + 1);
            directory.learn(directory.ticket(), Name.of("n" + at), child);
        }
        directory.learnComplete(directory.ticket());
        return directory;
    }

    @Test
    void aWalkOverLargeDirectoriesKeepsABoundedNumberOfEntries() {
        for (int i = 1; i <= 40; i++) {
            CachedDirectory directory = list(new InodeId(i), 40);
            assertTrue(directory.isComplete(), "the one in use is known whole");
            assertTrue(
                    cache.entryCount() <= MetadataCache.ENTRIES_MAX + PAGE,
                    () -> cache.entryCount() + " entries");
        }
        int whole = 0;
        for (int i = 1; i <= 40; i++) {
            CachedDirectory directory = cache.directory(new InodeId(i));
            boolean complete = directory.isComplete();
            assertEquals(complete, directory.find(Name.of("n0")) != null, "all or nothing");
            whole += complete ? 1 : 0;
        }
        assertTrue(whole >= 8 && whole <= 12, whole + " are known whole");
    }

    @Test
    void whatLeavesTheCacheIsNotCounted() {
        CachedDirectory left = list(new InodeId(1), 2);
        assertEquals(2 * PAGE, cache.entryCount());
        cache.forgetDirectory(new InodeId(1));
        left.put(Name.of("late"), new Child(new InodeId(7), FileType.REGULAR, 7));
        assertNull(left.find(Name.of("late")), "nobody tells it of changes any more");
        assertEquals(0, cache.entryCount());
    }

    @Test
    void smallDirectoriesInGreatNumberAreBoundedToo() {
        for (int i = 1; i <= 900; i++) {
            CachedDirectory _ = list(new InodeId(i), 1);
        }
        assertTrue(cache.entryCount() <= MetadataCache.ENTRIES_MAX + PAGE);
        assertTrue(list(new InodeId(901), 1).isComplete());
    }
}
