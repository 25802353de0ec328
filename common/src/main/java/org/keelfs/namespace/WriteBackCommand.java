package org.keelfs.namespace;

import java.util.function.Consumer;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.FileSize;
import org.keelfs.model.InodeId;

/**
 * What a holder of WRITE did to a file. Sizes only grow here; whether the user may write was
 * checked by open(2).
 *
 * @param inode the file; of anything else only the atime can be written back
 * @param size bytes; the size becomes the greater one
 * @param mtimeNs 0 leaves it; else the ctime is at least that too
 * @param atimeNs 0 leaves it
 * @param allocatedDelta 4 KiB sectors
 * @param killSuidgid a write by an unprivileged user: setuid, setgid and capabilities go
 * @param fallocatedSize bytes; end of a fallocate without KEEP_SIZE, 0 for none
 */
public record WriteBackCommand(
        InodeId inode,
        long size,
        long mtimeNs,
        long atimeNs,
        long allocatedDelta,
        boolean killSuidgid,
        long fallocatedSize)
        implements NamespaceCommand<InodeRow> {
    @Override
    public InodeRow check(Tables tables, Origin origin) {
        InodeRow row = NamespaceReads.inode(tables, origin.volume(), inode);
        long newSize = Math.max(size, fallocatedSize);
        boolean writes = newSize != 0 || allocatedDelta != 0 || killSuidgid;
        if (writes && !row.attributes().isRegular()) {
            throw new FsException(row.isDirectory() ? Errno.EISDIR : Errno.EINVAL);
        }
        if (newSize < 0 || newSize > FileSize.MAX_BYTES) {
            throw new FsException(Errno.EFBIG);
        }
        return row;
    }

    @Override
    public CommandOutcome apply(InodeRow row, Tables tables, Origin origin) {
        InodeEdit edit = InodeEdit.of(row);
        edit.size = Math.max(edit.size, Math.max(size, fallocatedSize));
        edit.allocatedSectors = Math.max(0, edit.allocatedSectors + allocatedDelta);
        if (mtimeNs != 0) {
            edit.mtimeNs = mtimeNs;
            edit.ctimeNs = Math.max(edit.ctimeNs, mtimeNs);
        }
        if (atimeNs != 0) {
            edit.atimeNs = atimeNs;
        }
        if (killSuidgid) {
            edit.killSuidSgid();
            edit.ctimeNs = Math.max(edit.ctimeNs, origin.timeNs());
            if (row.hasXattrBit(InodeRow.CAPABILITY)) {
                Xattrs.remove(tables, edit, inode, Xattrs.CAPABILITY);
            }
        }
        return CommandOutcome.ofInode(edit.put(tables));
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(inode);
    }
}
