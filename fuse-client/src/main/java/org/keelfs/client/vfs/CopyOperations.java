package org.keelfs.client.vfs;

import java.nio.ByteBuffer;
import java.util.List;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.lease.LeaseUse;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.CloneCommandValue;
import org.keelfs.wire.proto.MetadataProto.CommandResult;

/**
 * copy_file_range(2): whole chunks by reference (decision 0070), the rest through this mount. A
 * call may copy less than it was asked for, so each does one or the other.
 */
final class CopyOperations {
    /** Bytes moved at once. */
    private static final int COPY_BYTES = 1 << 20;

    /**
     * The end of a file that does not fill its chunk is cloned alone from this size on: below, what
     * its first writer waits for, and the calls, cost as much as the copy.
     */
    private static final long TAIL_BYTES_MIN = 16 << 20;

    /** Chunks of one call: the command's bound. */
    private static final int CHUNKS_MAX = 1024;

    /** Writes of other local programs may come between; then the bytes are copied. */
    private static final int ATTEMPTS_MAX = 3;

    private final VfsContext vfs;
    private final FileOperations files;
    private final WriteBacks writeBacks;
    private final int chunkBytes;

    /** What is asked for. */
    record Range(
            InodeId source, long from, InodeId target, long targetHandle, long to, long length) {
        Range first(long bytes) {
            return new Range(source, from, target, targetHandle, to, Math.min(length, bytes));
        }
    }

    /** Chunks to clone. */
    private record Chunks(Range range, long source, long target, int count) {}

    CopyOperations(VfsContext vfs, FileOperations files, WriteBacks writeBacks, int chunkBytes) {
        this.vfs = vfs;
        this.files = files;
        this.writeBacks = writeBacks;
        this.chunkBytes = chunkBytes;
    }

    /** Returns the bytes copied: 0 at the end of the source. */
    long copyRange(Call call, Range asked) {
        call.beforeWait();
        long room = FileSize.MAX_BYTES - asked.to;
        if (room <= 0) {
            throw new FsException(Errno.EFBIG);
        }
        Range range = asked.first(room);
        boolean apart = !range.source.equals(range.target);
        boolean aligned = (range.from - range.to) % chunkBytes == 0;
        if (!apart || !aligned || range.length < Math.min(chunkBytes, TAIL_BYTES_MIN)) {
            return copyBytes(call, range);
        }
        long into = range.from % chunkBytes;
        if (into != 0) {
            return copyBytes(call, range.first(chunkBytes - into));
        }
        long cloned = clone(call, range);
        return cloned > 0 ? cloned : copyBytes(call, range);
    }

    private long copyBytes(Call call, Range range) {
        ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(COPY_BYTES, range.length));
        long copied = 0;
        while (copied < range.length) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), range.length - copied));
            long from = range.from + copied;
            int count = files.read(call, range.source, Handles.NONE, from, buffer, false);
            if (count == 0) {
                break;
            }
            buffer.flip();
            long _ =
                    files.write(
                            call,
                            range.target,
                            range.targetHandle,
                            range.to + copied,
                            buffer,
                            0,
                            FileOperations.mustKillSuidGid(call),
                            false);
            copied += count;
        }
        return copied;
    }

    /** Returns 0 when the bytes are to be copied. */
    private long clone(Call call, Range range) {
        // In the order of their numbers, as leases and then as locks: two copies that go to and fro
        // between two files would otherwise wait for each other.
        boolean sourceFirst = range.source.value() < range.target.value();
        try (LeaseUse first =
                        sourceFirst ? reading(call, range.source) : writing(call, range.target);
                LeaseUse second =
                        sourceFirst ? writing(call, range.target) : reading(call, range.source)) {
            if (first.shared() != null || second.shared() != null) {
                return 0;
            }
            for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
                vfs.data().flush(range.source);
                vfs.data().flush(range.target);
                Chunks chunks = plan(range);
                if (chunks == null
                        || vfs.data().isInDoubt(range.source)
                        || vfs.data().isInDoubt(range.target)) {
                    return 0;
                }
                long cloned = clone(call, chunks, sourceFirst);
                if (cloned > 0) {
                    return cloned;
                }
            }
            return 0;
        }
    }

    private LeaseUse reading(Call call, InodeId inode) {
        return files.use(call, inode, LeaseMode.READ, false, true);
    }

    private LeaseUse writing(Call call, InodeId inode) {
        return files.use(call, inode, LeaseMode.WRITE, false, true);
    }

    /** Whole chunks, and the source's last one where it becomes the target's; null for none. */
    private @org.jspecify.annotations.Nullable Chunks plan(Range range) {
        long size = sizeOf(range.source);
        long bytes = Math.min(range.length, size - range.from);
        bytes = Math.min(bytes, (long) CHUNKS_MAX * chunkBytes);
        if (bytes <= 0) {
            return null;
        }
        long tail = bytes % chunkBytes;
        boolean ends = range.from + bytes == size && range.to + bytes >= sizeOf(range.target);
        boolean withTail = tail > 0 && ends && bytes >= TAIL_BYTES_MIN;
        long cloned = withTail ? bytes : bytes - tail;
        if (cloned == 0) {
            return null;
        }
        return new Chunks(
                range.first(cloned),
                range.from / chunkBytes,
                range.to / chunkBytes,
                Math.toIntExact(Math.ceilDiv(cloned, chunkBytes)));
    }

    private long sizeOf(InodeId inode) {
        FileState state = vfs.files().ifPresent(inode);
        if (state != null && state.isOwned()) {
            return state.size();
        }
        var known = vfs.cache().inode(inode);
        return known == null ? 0 : known.attributes().size();
    }

    /** Returns 0 when somebody wrote meanwhile. */
    private long clone(Call call, Chunks chunks, boolean sourceFirst) {
        InodeId source = chunks.range.source;
        InodeId target = chunks.range.target;
        long sectors = vfs.data().freeze(source, chunks.source, chunks.source + chunks.count);
        FileState first = vfs.files().locked(sourceFirst ? source : target);
        try {
            FileState second = vfs.files().locked(sourceFirst ? target : source);
            try {
                // From here on no local program can write either file.
                FileState to = sourceFirst ? second : first;
                FileState from = sourceFirst ? first : second;
                boolean clean = !vfs.data().isDirty(source) && !vfs.data().isDirty(target);
                return clean && chunks.equals(plan(chunks.range))
                        ? cloneLocked(call, chunks, sectors, from, to)
                        : 0;
            } finally {
                vfs.files().unlock(second);
            }
        } finally {
            vfs.files().unlock(first);
        }
    }

    private long cloneLocked(Call call, Chunks chunks, long sectors, FileState from, FileState to) {
        if (!to.isOwned()) {
            throw new FsException(Errno.EIO, to.inode + ": the lease was lost");
        }
        long end = chunks.range.to + chunks.range.length;
        if (to.size() < chunks.range.to && to.trimBound() > to.size()) {
            // Only in front of what is replaced: zeros left dirty in there would come after it.
            vfs.data().trim(to.inode, to.size(), Math.min(to.trimBound(), chunks.range.to));
        }
        // The server compares the ends, and what it is told later must not undo this.
        writeBacks.sendLocked(from);
        writeBacks.sendLocked(to);
        long endChunk = chunks.target + chunks.count;
        long before = vfs.data().allocated(to.inode, chunks.target, endChunk);
        var value =
                CloneCommandValue.newBuilder()
                        .setSource(from.inode.value())
                        .setTarget(to.inode.value())
                        .setSourceChunk(chunks.source)
                        .setTargetChunk(chunks.target)
                        .setCount(chunks.count)
                        .setSize(end)
                        .setAllocatedDelta(sectors - before)
                        .setKillSuidgid(FileOperations.mustKillSuidGid(call));
        var command = vfs.commands().by(call.caller()).setClone(value).build();
        try (NamespaceWriter.Flux _ = vfs.names().flux(List.of(from.inode, to.inode))) {
            CommandResult result;
            try {
                result = vfs.names().submitOne(command);
            } catch (FsException e) {
                if (e.errno() == Errno.EAGAIN) {
                    return 0;
                }
                throw e;
            } finally {
                // Whatever became of it: what is known of these chunks may be of others. Before the
                // size grows: a read beside this would see zeros in them.
                vfs.data().replaced(to.inode, chunks.target, endChunk);
            }
            Attributes attributes = AttributesCodec.decode(result.getInode());
            vfs.cache().update(attributes);
            to.onCloned(
                    attributes.size(),
                    attributes.mtimeNs(),
                    FileSize.chunkEnd(endChunk - 1, chunkBytes));
        }
        return chunks.range.length;
    }
}
