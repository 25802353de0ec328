package org.keelfs.metadata.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.model.Attributes;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.EntryRow;
import org.keelfs.namespace.GarbageRow;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.NodeRow;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.register.Digest;
import org.keelfs.register.Hint;

/** Random rows, there and back. */
class RowCodecTest {
    private static final int ROUNDS = 500;

    private final Random random = new Random(3);

    /** Any 64 bits, often small or all ones. */
    private long any() {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(200);
            case 1 -> -1L >>> random.nextInt(64);
            default -> random.nextLong();
        };
    }

    private int anyInt() {
        return (int) any();
    }

    private byte[] anyBytes() {
        byte[] bytes = new byte[random.nextInt(300)];
        random.nextBytes(bytes);
        return bytes;
    }

    private ReplicaSet anySet() {
        return new ReplicaSet(List.of(new NodeId(1), new NodeId(2 + random.nextInt(1000))));
    }

    private FileType anyType() {
        return FileType.values()[random.nextInt(FileType.values().length)];
    }

    @Test
    void inodes() {
        for (int i = 0; i < ROUNDS; i++) {
            InodeId id = new InodeId(any());
            Attributes a =
                    new Attributes(
                            id,
                            anyType(),
                            random.nextInt(4096),
                            anyInt(),
                            anyInt(),
                            anyInt(),
                            anyInt(),
                            any(),
                            any(),
                            any(),
                            any(),
                            any(),
                            any(),
                            anyInt(),
                            any());
            byte[] target = anyBytes();
            InodeRow row =
                    new InodeRow(
                            a,
                            anyInt(),
                            new InodeId(any()),
                            any(),
                            any(),
                            anyInt(),
                            anyInt(),
                            target,
                            random.nextBoolean());
            InodeRow back = RowCodec.inode(id, RowCodec.encode(row));
            assertEquals(a, back.attributes());
            assertArrayEquals(target, back.target());
            assertArrayEquals(RowCodec.encode(row), RowCodec.encode(back));
            assertEquals(row.linkable(), back.linkable());
            assertEquals(row.nextPosition(), back.nextPosition());
            assertEquals(row.trimBound(), back.trimBound());
            assertEquals(row.parent(), back.parent());
        }
    }

    @Test
    void entries() {
        for (int i = 0; i < ROUNDS; i++) {
            EntryRow row = new EntryRow(Name.of(anyBytes()), new InodeId(any()), anyType(), any());
            assertEquals(row, RowCodec.entryByName(row.name(), RowCodec.encodeByName(row)));
            assertEquals(
                    row, RowCodec.entryByPosition(row.position(), RowCodec.encodeByPosition(row)));
        }
    }

    @Test
    void chunksAndGarbage() {
        for (int i = 0; i < ROUNDS; i++) {
            Hint hint = random.nextBoolean() ? null : new Hint(any(), new Digest(any(), any()));
            byte[] key = anyBytes();
            ChunkRow row =
                    new ChunkRow(
                            new ChunkId(any()),
                            new InodeId(any()),
                            anyInt(),
                            any(),
                            random.nextBoolean(),
                            any(),
                            any(),
                            key,
                            anySet(),
                            any(),
                            anyInt(),
                            hint,
                            any(),
                            random.nextBoolean(),
                            random.nextBoolean() ? 0 : any(),
                            random.nextBoolean() ? null : new ChunkId(any()));
            ChunkRow back = RowCodec.chunk(row.id(), RowCodec.encode(row));
            assertArrayEquals(key, back.wrappedKey());
            assertEquals(row.hint(), back.hint());
            assertEquals(row.replicas(), back.replicas());
            assertEquals(row.exposed(), back.exposed());
            assertEquals(row.opened(), back.opened());
            assertEquals(row.frozenEpoch(), back.frozenEpoch());
            assertEquals(row.origin(), back.origin());
            assertArrayEquals(RowCodec.encode(row), RowCodec.encode(back));
            GarbageRow garbage =
                    new GarbageRow(
                            new ChunkId(any()), random.nextBoolean(), any(), any(), anySet());
            assertEquals(garbage, RowCodec.garbage(garbage.chunk(), RowCodec.encode(garbage)));
        }
    }

    @Test
    void sessionsVolumesAndNodes() {
        SessionRow session =
                new SessionRow(
                                new SessionId(5),
                                anyBytes(),
                                3,
                                SessionRow.State.EVICTED,
                                anyBytes(),
                                9,
                                8)
                        .withPool(new InodePool(5, 100_000, 1L << 40, 1L << 41));
        SessionRow sessionBack = RowCodec.session(session.id(), RowCodec.encode(session));
        assertArrayEquals(RowCodec.encode(session), RowCodec.encode(sessionBack));
        assertEquals(session.state(), sessionBack.state());
        assertEquals(session.pool(), sessionBack.pool());
        VolumeRow volume = new VolumeRow(2, "zażółć", 1 << 26, 3, anyBytes(), InodeId.ROOT);
        VolumeRow volumeBack = RowCodec.volume(2, RowCodec.encode(volume));
        assertEquals(volume.name(), volumeBack.name());
        assertArrayEquals(RowCodec.encode(volume), RowCodec.encode(volumeBack));
        NodeRow node =
                new NodeRow(new NodeId(4), anyBytes(), 17, "n4", "127.0.0.1", 65535, "r1", true);
        NodeRow nodeBack = RowCodec.node(node.id(), RowCodec.encode(node));
        assertEquals(node.rack(), nodeBack.rack());
        assertEquals(node.port(), nodeBack.port());
        assertArrayEquals(RowCodec.encode(node), RowCodec.encode(nodeBack));
    }

    private static ChunkRow chunkAt(long index) {
        var set = new ReplicaSet(List.of(new NodeId(1)));
        return new ChunkRow(
                new ChunkId(9),
                new InodeId(5),
                index,
                1,
                true,
                1,
                9,
                new byte[0],
                set,
                1,
                1,
                null,
                0,
                false);
    }

    /** Programs that know 31 bits of an index refuse what they would take for another chunk. */
    @Test
    void aChunkBehindIndex31BitsHasALaterFormatAndOthersTheOldOne() {
        for (long index : new long[] {0, Integer.MAX_VALUE, 1L << 31, 1L << 43}) {
            byte[] bytes = RowCodec.encode(chunkAt(index));
            assertEquals(index, RowCodec.chunk(new ChunkId(9), bytes).index());
            assertEquals(index < 1L << 31 ? 1 : 2, bytes[0]);
        }
    }

    @Test
    void aRowOfALaterFormatIsRefused() {
        assertThrows(
                IllegalStateException.class, () -> RowCodec.volume(1, new byte[] {99, 0, 0, 0}));
    }
}
