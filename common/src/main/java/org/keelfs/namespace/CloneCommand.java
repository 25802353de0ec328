package org.keelfs.namespace;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;

/**
 * Whole chunks by reference: both files then hold the same frozen chunks. Sizes and allocated
 * sectors come with the write-back of the target. Whether the user may read and write was checked
 * by open(2).
 *
 * @param source file to take from
 * @param target file to put to; what it has there is dropped
 * @param sourceChunk first index in the source
 * @param targetChunk first index in the target
 * @param count chunks
 */
public record CloneCommand(
        InodeId source, InodeId target, int sourceChunk, int targetChunk, int count)
        implements NamespaceCommand<InodeRow> {
    /** Bounds one command's work: 64 GiB of a file with chunks of 64 MiB. */
    static final int COUNT_MAX = 1024;

    /** The target. */
    @Override
    public InodeRow check(Tables tables, Origin origin) {
        InodeRow from = NamespaceReads.inode(tables, origin.volume(), source);
        InodeRow to = NamespaceReads.inode(tables, origin.volume(), target);
        if (from.isDirectory() || to.isDirectory()) {
            throw new FsException(Errno.EISDIR);
        }
        boolean regular = from.attributes().isRegular() && to.attributes().isRegular();
        if (!regular || !isRangeSane()) {
            throw new FsException(Errno.EINVAL);
        }
        if (to.hasFlag(InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY)) {
            throw new FsException(Errno.EPERM);
        }
        return to;
    }

    private boolean isRangeSane() {
        boolean sane = count > 0 && count <= COUNT_MAX && sourceChunk >= 0 && targetChunk >= 0;
        int last = Integer.MAX_VALUE - COUNT_MAX;
        boolean apart =
                !source.equals(target) || Math.abs((long) sourceChunk - targetChunk) >= count;
        return sane && sourceChunk <= last && targetChunk <= last && apart;
    }

    @Override
    public CommandOutcome apply(InodeRow to, Tables tables, Origin origin) {
        List<@Nullable ChunkId> shared = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            shared.add(tables.chunkAt(source, sourceChunk + i));
        }
        for (int i = 0; i < count; i++) {
            replace(tables, targetChunk + i, shared.get(i));
        }
        InodeEdit edit = InodeEdit.of(to).contentChanged(origin.timeNs());
        return CommandOutcome.ofInode(edit.put(tables));
    }

    private void replace(Tables tables, int index, @Nullable ChunkId chunk) {
        ChunkId old = tables.chunkAt(target, index);
        if (chunk != null) {
            ChunkRow row = Chunks.chunkOrThrow(tables, chunk);
            tables.putChunk(row.withReferences(row.references() + 1));
        }
        if (old != null) {
            Chunks.dropPlace(tables, target, new Tables.ChunkPlace(index, old));
        }
        if (chunk != null) {
            tables.putChunkAt(target, index, chunk);
        }
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(source);
        action.accept(target);
    }
}
