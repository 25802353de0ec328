package org.keelfs.namespace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

class InodePoolTest {
    private final MemoryTables tables = new MemoryTables();

    @Test
    void itsUserAndTheServerAgreeWhateverAnswersAreLate() {
        Random random = new Random(7);
        InodePool server = InodePool.EMPTY.refilled(tables).refilled(tables);
        InodePool user = server;
        InodePool late = server;
        Set<Long> used = new HashSet<>();
        for (int i = 0; i < 5 * InodePool.RANGE; i++) {
            long number = user.first();
            if (number == 0) {
                // Everything granted is used: the server's newest answer brings more.
                late = server;
                user = user.merged(late);
                number = user.first();
            }
            assertTrue(used.add(number), "used twice");
            user = user.after(number);
            boolean skipped = random.nextInt(10) == 0;
            if (!skipped) {
                assertTrue(server.contains(number));
                server = server.after(number).refilled(tables);
                assertFalse(server.contains(number));
            }
            if (random.nextInt(1000) == 0) {
                user = user.merged(late);
                late = server;
            }
        }
    }

    @Test
    void numbersThatTheServerDrawsLieOutside() {
        InodePool pool = InodePool.EMPTY.refilled(tables);
        long drawn = tables.draw(Counter.INODE);
        assertFalse(pool.contains(drawn));
        assertFalse(pool.refilled(tables).contains(drawn));
    }

    @Nested
    final class InCommands extends NamespaceFixture {
        private CreateCommand numbered(String name, long number) {
            int mode = FileType.REGULAR.modeBits() | 0644;
            return new CreateCommand(
                    InodeId.ROOT, Name.of(name), mode, 0, 0, new byte[0], false, true, number);
        }

        @Test
        void aNumberOfThePoolIsUsedOnceAndOthersNever() {
            InodePool pool = InodePool.EMPTY.refilled(tables);
            tables.putSession(
                    new SessionRow(
                                    SESSION,
                                    new byte[16],
                                    VOLUME,
                                    SessionRow.State.OPEN,
                                    new byte[0],
                                    0,
                                    0)
                            .withPool(pool));
            long first = pool.first();
            assertEquals(new InodeId(first), made(numbered("a", first)));
            refused(Errno.EINVAL, numbered("b", first));
            refused(Errno.EINVAL, numbered("b", 1));
            refused(Errno.EINVAL, numbered("b", pool.end()));
            done(unlink(InodeId.ROOT, "a"));
            refused(Errno.EINVAL, numbered("a", first));
            assertEquals(new InodeId(first + 5), made(numbered("b", first + 5)));
            refused(Errno.EINVAL, numbered("c", first + 2));
            SessionRow row = tables.session(SESSION);
            assertNotNull(row);
            assertEquals(first + 6, row.pool().first());
            refused(Errno.EEXIST, numbered("b", first + 2));
        }
    }
}
