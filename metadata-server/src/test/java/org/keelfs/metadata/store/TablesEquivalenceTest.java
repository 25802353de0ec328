package org.keelfs.metadata.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.model.Caller;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileSize;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.CloneCommand;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.EntryRow;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.LinkCommand;
import org.keelfs.namespace.MemoryTables;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.Origin;
import org.keelfs.namespace.Orphans;
import org.keelfs.namespace.PinCommand;
import org.keelfs.namespace.RemoveXattrCommand;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.RootDirectory;
import org.keelfs.namespace.SetAttributesCommand;
import org.keelfs.namespace.SetXattrCommand;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.TrimmedCommand;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.namespace.WriteBackCommand;
import org.keelfs.namespace.XattrRow;

/**
 * The same random commands on tables in memory and on RocksDB, in batches of any size: the same
 * answers and rows.
 */
class TablesEquivalenceTest {
    private static final int VOLUME = 1;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final Caller USER = new Caller(1000, 1000, new int[0]);

    @TempDir Path directory;

    private final Random random = new Random(11);
    private int inodesMade = 1;

    @Test
    void randomBatchesGiveTheSameAnswersAndRows() {
        MemoryTables memory = new MemoryTables();
        try (RocksStore store = RocksStore.open(directory, StoreBudget.SMALL)) {
            begin(memory);
            assertEquals(true, store.change(t -> begin(t)));
            for (int batch = 0; batch < 150; batch++) {
                List<Change> changes = new ArrayList<>();
                int size = 1 + random.nextInt(40);
                for (int i = 0; i < size; i++) {
                    changes.add(randomChange(batch * 100 + i));
                }
                List<CommandOutcome> expected = changes.stream().map(c -> c.on(memory)).toList();
                List<CommandOutcome> actual =
                        store.change(t -> changes.stream().map(c -> c.on(t)).toList());
                assertEquals(expected, actual, "batch " + batch);
                inodesMade = (int) memory.counter(Counter.INODE);
                if (batch % 30 == 29) {
                    assertSameRows(memory, store.tables());
                    store.read(
                            t -> {
                                assertSameRows(memory, t);
                                return true;
                            });
                }
            }
        }
        try (RocksStore again = RocksStore.open(directory, StoreBudget.SMALL)) {
            assertSameRows(memory, again.tables());
        }
    }

    private static boolean begin(Tables tables) {
        tables.putVolume(new VolumeRow(VOLUME, "v", CHUNK_BYTES, 3, new byte[0], InodeId.ROOT));
        return RootDirectory.create(tables, VOLUME, 0, 0, 0777, 1).isDirectory();
    }

    private interface Change {
        CommandOutcome on(Tables tables);
    }

    private Change randomChange(long time) {
        Origin origin =
                new Origin(
                        new SessionId(1 + random.nextInt(2)),
                        VOLUME,
                        random.nextBoolean() ? Caller.ROOT : USER,
                        time);
        int choice = random.nextInt(40);
        if (choice == 0) {
            SessionId session = origin.session();
            return tables -> {
                Orphans.releasePins(tables, session);
                return CommandOutcome.DONE;
            };
        }
        if (choice < 8) {
            InodeId inode = anyInode();
            long index = anyIndex();
            return tables -> putChunk(tables, inode, index);
        }
        NamespaceCommand<?> command = randomCommand();
        return tables -> command.run(tables, origin);
    }

    /** Also where keys change their length, and the last of all. */
    private long anyIndex() {
        int near = random.nextInt(4);
        return switch (random.nextInt(6)) {
            case 0 -> Integer.MAX_VALUE - 2L + near;
            case 1 -> (FileSize.MAX_BYTES - 1) / CHUNK_BYTES - near;
            default -> near;
        };
    }

    private static CommandOutcome putChunk(Tables tables, InodeId inode, long index) {
        InodeRow row = tables.inode(inode);
        if (row != null && row.attributes().isRegular() && tables.chunkAt(inode, index) == null) {
            ChunkId id = new ChunkId(tables.draw(Counter.CHUNK));
            var replicas = new ReplicaSet(List.of(new NodeId(1), new NodeId(2), new NodeId(3)));
            tables.putChunk(
                    new ChunkRow(
                            id,
                            inode,
                            index,
                            5,
                            true,
                            5,
                            id.value(),
                            new byte[] {1},
                            replicas,
                            5,
                            1,
                            null,
                            1,
                            false));
            tables.putChunkAt(inode, index, id);
            tables.addTo(Counter.LIVE_CHUNKS, 1);
        }
        return CommandOutcome.DONE;
    }

    private InodeId anyInode() {
        return new InodeId(1 + random.nextInt(inodesMade + 5));
    }

    private InodeId anyParent() {
        return random.nextInt(2) == 0 ? InodeId.ROOT : anyInode();
    }

    private Name anyName() {
        return Name.of("n" + random.nextInt(12));
    }

    private NamespaceCommand<?> randomCommand() {
        return switch (random.nextInt(14)) {
            case 0, 1, 2, 3 -> create();
            case 4 -> new LinkCommand(anyInode(), anyParent(), anyName());
            case 5, 6 -> new UnlinkCommand(anyParent(), anyName(), random.nextBoolean());
            case 7 ->
                    new RenameCommand(
                            anyParent(), anyName(), anyParent(), anyName(), random.nextInt(3));
            case 8 -> truncate();
            case 9 ->
                    new SetXattrCommand(
                            anyInode(), anyXattr(), new byte[random.nextInt(50)], 0, false);
            case 10 -> new RemoveXattrCommand(anyInode(), anyXattr());
            case 11 ->
                    new WriteBackCommand(anyInode(), random.nextInt(9_000_000), 9, 0, 3, true, 0);
            case 12 -> new PinCommand(anyInode(), random.nextBoolean());
            default ->
                    random.nextBoolean()
                            ? new TrimmedCommand(anyInode(), CHUNK_BYTES)
                            : new CloneCommand(
                                    anyInode(), anyInode(), anyIndex(), anyIndex(), 2, 0, 1, false);
        };
    }

    private Name anyXattr() {
        return Name.of("user.x" + random.nextInt(3));
    }

    private CreateCommand create() {
        FileType type =
                switch (random.nextInt(4)) {
                    case 0 -> FileType.DIRECTORY;
                    case 1 -> FileType.SYMLINK;
                    default -> FileType.REGULAR;
                };
        boolean unnamed = type == FileType.REGULAR && random.nextInt(10) == 0;
        return new CreateCommand(
                anyParent(),
                anyName(),
                type.modeBits() | 0777,
                022,
                0,
                type == FileType.SYMLINK ? new byte[] {'t'} : new byte[0],
                unnamed,
                false);
    }

    private SetAttributesCommand truncate() {
        long size =
                random.nextInt(3) == 0
                        ? Math.min(FileSize.MAX_BYTES, anyIndex() * CHUNK_BYTES)
                        : random.nextInt(4 * CHUNK_BYTES);
        return new SetAttributesCommand(
                anyInode(), null, null, null, size, null, null, null, false, false, true, true, 0);
    }

    private static void assertSameRows(MemoryTables expected, Tables actual) {
        for (InodeRow row : expected.inodes()) {
            InodeId id = row.id();
            InodeRow other = actual.inode(id);
            assertArrayEquals(RowCodec.encode(row), RowCodec.encode(other));
            List<EntryRow> entries = expected.entriesAfter(id, 0, 1000);
            assertEquals(entries, actual.entriesAfter(id, 0, 1000));
            entries.forEach(e -> assertEquals(e, actual.entry(id, e.name())));
            assertEquals(expected.chunksFrom(id, 0, 100), actual.chunksFrom(id, 0, 100));
            List<XattrRow> xattrs = expected.xattrs(id);
            assertEquals(
                    xattrs.stream().map(XattrRow::name).toList(),
                    actual.xattrs(id).stream().map(XattrRow::name).toList());
            assertEquals(expected.isPinnedByAny(id), actual.isPinnedByAny(id));
        }
        assertEquals(
                expected.chunksAfter(0, 10_000).stream()
                        .map(c -> c.id() + " " + c.references())
                        .toList(),
                actual.chunksAfter(0, 10_000).stream()
                        .map(c -> c.id() + " " + c.references())
                        .toList());
        assertEquals(expected.garbageAfter(0, 10_000), actual.garbageAfter(0, 10_000));
        for (long session = 1; session <= 2; session++) {
            SessionId id = new SessionId(session);
            assertEquals(expected.pinsOf(id, 1000), actual.pinsOf(id, 1000));
        }
        for (Counter counter : Counter.values()) {
            assertEquals(expected.counter(counter), actual.counter(counter), counter.name());
        }
        assertEquals(expected.counter(Counter.LIVE_INODES), expected.inodes().size());
    }
}
