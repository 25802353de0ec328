package org.keelfs.namespace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.keelfs.base.Errno;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.model.SessionId;

/** Tables with two volumes, and the commands that tests run on them. */
abstract class NamespaceFixture {
    static final int VOLUME = 1;
    static final int CHUNK_BYTES = 1 << 20;
    static final Caller ALICE = new Caller(1000, 1000, new int[] {50});
    static final Caller BOB = new Caller(1001, 1001, new int[] {50});
    static final SessionId SESSION = new SessionId(1);

    final MemoryTables tables = new MemoryTables();
    Caller caller = Caller.ROOT;
    long now = 100;

    @BeforeEach
    void makeRoot() {
        tables.putVolume(new VolumeRow(VOLUME, "v", CHUNK_BYTES, 3, new byte[0], InodeId.ROOT));
        tables.putVolume(new VolumeRow(2, "w", CHUNK_BYTES, 3, new byte[0], new InodeId(2)));
        assertEquals(InodeId.ROOT, RootDirectory.create(tables, VOLUME, 0, 0, 0777, 1).id());
        assertEquals(2, RootDirectory.create(tables, 2, 0, 0, 0777, 1).id().value());
    }

    CommandOutcome run(NamespaceCommand<?> command) {
        return command.run(tables, new Origin(SESSION, VOLUME, caller, now));
    }

    CommandOutcome done(NamespaceCommand<?> command) {
        CommandOutcome outcome = run(command);
        assertNull(outcome.errno());
        return outcome;
    }

    void refused(Errno errno, NamespaceCommand<?> command) {
        assertEquals(errno, run(command).errno());
    }

    static CreateCommand create(InodeId parent, String name, FileType type, int mode) {
        return new CreateCommand(
                parent, Name.of(name), type.modeBits() | mode, 0, 0, new byte[0], false, false);
    }

    static CreateCommand symlink(String name, int length) {
        int mode = FileType.SYMLINK.modeBits() | 0777;
        byte[] target = "t".repeat(length).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        return new CreateCommand(InodeId.ROOT, Name.of(name), mode, 0, 0, target, false, false);
    }

    InodeId file(String name) {
        return made(create(InodeId.ROOT, name, FileType.REGULAR, 0644));
    }

    InodeId directory(InodeId parent, String name) {
        return made(create(parent, name, FileType.DIRECTORY, 0755));
    }

    InodeId made(NamespaceCommand<?> command) {
        Attributes created = done(command).inode();
        assertNotNull(created);
        return created.inode();
    }

    Attributes attributes(InodeId inode) {
        InodeRow row = tables.inode(inode);
        assertNotNull(row);
        return row.attributes();
    }

    static UnlinkCommand unlink(InodeId parent, String name) {
        return new UnlinkCommand(parent, Name.of(name), false);
    }

    static UnlinkCommand rmdir(InodeId parent, String name) {
        return new UnlinkCommand(parent, Name.of(name), true);
    }

    static RenameCommand rename(InodeId from, String oldName, InodeId to, String newName) {
        return new RenameCommand(from, Name.of(oldName), to, Name.of(newName), 0);
    }

    static SetAttributesCommand chmod(InodeId inode, int mode) {
        return set(inode, mode, null, null, null);
    }

    static SetAttributesCommand chown(InodeId inode, Integer uid, Integer gid) {
        return set(inode, null, uid, gid, null);
    }

    static SetAttributesCommand truncate(InodeId inode, long size) {
        return set(inode, null, null, null, size);
    }

    static SetAttributesCommand set(
            InodeId inode, Integer mode, Integer uid, Integer gid, Long size) {
        return new SetAttributesCommand(
                inode, mode, uid, gid, size, null, null, null, false, false, false, false, 0);
    }

    static SetAttributesCommand times(InodeId inode, Long at, Long mt, boolean an, boolean mn) {
        return new SetAttributesCommand(
                inode, null, null, null, null, at, mt, null, an, mn, false, false, 0);
    }

    static SetXattrCommand setXattr(InodeId inode, String name, byte[] value) {
        return new SetXattrCommand(inode, Name.of(name), value, 0, false);
    }

    /** One that is OPEN in an epoch of readers. */
    ChunkId putReadChunk(InodeId inode, long index) {
        ChunkId id = putChunk(inode, index, false);
        tables.putChunk(tables.chunk(id).withLastWriter(0));
        return id;
    }

    ChunkId putChunk(InodeId inode, long index, boolean exposed) {
        ChunkId id = new ChunkId(tables.draw(Counter.CHUNK));
        var set = new ReplicaSet(List.of(new NodeId(1)));
        tables.putChunk(
                new ChunkRow(
                        id,
                        inode,
                        index,
                        1,
                        true,
                        1,
                        id.value(),
                        new byte[0],
                        set,
                        1,
                        1,
                        null,
                        1,
                        exposed));
        tables.putChunkAt(inode, index, id);
        tables.addTo(Counter.LIVE_CHUNKS, 1);
        return id;
    }

    static SetAttributesCommand setFlags(InodeId inode, int flags) {
        return new SetAttributesCommand(
                inode, null, null, null, null, null, null, flags, false, false, false, false, 0);
    }
}
