package org.keelfs.namespace;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.ChunkId;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;

/**
 * Whole chunks by reference: both files then hold the same frozen chunks. Whether the user may read
 * and write was checked by open(2); that the sender holds WRITE on the target, and no other session
 * WRITE on the source, is the metadata server's. EAGAIN where a chunk of the source is not OPEN in
 * an epoch that nobody writes in.
 *
 * @param source file to take from
 * @param target file to put to; what it has there is dropped
 * @param sourceChunk first index in the source
 * @param targetChunk first index in the target
 * @param count chunks
 * @param size of the target in bytes, which becomes the greater one: the end of what was cloned
 * @param allocatedDelta of the target, in sectors
 * @param killSuidgid a write by an unprivileged user: setuid, setgid and capabilities go
 */
public record CloneCommand(
        InodeId source,
        InodeId target,
        long sourceChunk,
        long targetChunk,
        int count,
        long size,
        long allocatedDelta,
        boolean killSuidgid)
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
        int chunkBytes = Chunks.chunkBytes(tables, to);
        if (!regular || !isRangeSane(chunkBytes)) {
            throw new FsException(Errno.EINVAL);
        }
        if (to.hasFlag(InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY)) {
            throw new FsException(Errno.EPERM);
        }
        if (size < 0 || size > FileSize.MAX_BYTES) {
            throw new FsException(Errno.EFBIG);
        }
        if (!endsTogether(from, to, chunkBytes)) {
            throw new FsException(Errno.EINVAL);
        }
        for (int i = 0; i < count; i++) {
            ChunkId chunk = tables.chunkAt(source, sourceChunk + i);
            if (chunk != null && !isCloneable(Chunks.chunkOrThrow(tables, chunk))) {
                throw new FsException(Errno.EAGAIN, chunk + " is not sealed for readers");
            }
        }
        return to;
    }

    /** What a chunk holds behind the source's end must not come before the target's end. */
    private boolean endsTogether(InodeRow from, InodeRow to, int chunkBytes) {
        long cloned = (long) count * chunkBytes;
        long bytes = from.attributes().size() - sourceChunk * chunkBytes;
        long end = Math.max(to.attributes().size(), size);
        return bytes >= cloned || end - targetChunk * chunkBytes <= Math.max(0, bytes);
    }

    private static boolean isCloneable(ChunkRow row) {
        return row.origin() == null && (row.isFrozen() || row.isFreezable());
    }

    private boolean isRangeSane(int chunkBytes) {
        boolean counts = count > 0 && count <= COUNT_MAX;
        boolean inFiles =
                FileSize.hasChunk(sourceChunk, chunkBytes)
                        && FileSize.hasChunk(sourceChunk + count - 1, chunkBytes)
                        && FileSize.hasChunk(targetChunk, chunkBytes)
                        && FileSize.hasChunk(targetChunk + count - 1, chunkBytes);
        boolean apart = !source.equals(target) || Math.abs(sourceChunk - targetChunk) >= count;
        return counts && inFiles && apart;
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
        edit.size = Math.max(edit.size, size);
        edit.allocatedSectors = Math.max(0, edit.allocatedSectors + allocatedDelta);
        // What the source's last chunk holds behind its end is behind the target's end now.
        long end = FileSize.chunkEnd(targetChunk + count - 1, Chunks.chunkBytes(tables, to));
        edit.trimBound = edit.size < end ? Math.max(edit.trimBound, end) : edit.trimBound;
        if (killSuidgid) {
            edit.killSuidSgid();
            if (to.hasXattrBit(InodeRow.CAPABILITY)) {
                Xattrs.remove(tables, edit, target, Xattrs.CAPABILITY);
            }
        }
        return CommandOutcome.ofInode(edit.put(tables));
    }

    private void replace(Tables tables, long index, @Nullable ChunkId chunk) {
        ChunkId old = tables.chunkAt(target, index);
        if (chunk != null) {
            tables.putChunk(Chunks.chunkOrThrow(tables, chunk).frozen());
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
