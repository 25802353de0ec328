package org.keelfs.namespace;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Caller;
import org.keelfs.model.Capability;
import org.keelfs.model.FileSize;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.SectorRun;

/**
 * chmod, chown, truncate, utimensat, FS_IOC_SETFLAGS, in any combination; null leaves a thing as it
 * is. Rules are those of notify_change and setattr_prepare in fs/attr.c, and for setuid bits those
 * that FUSE writes down for HANDLE_KILLPRIV_V2.
 *
 * @param inode what changes
 * @param mode permission bits (low 12)
 * @param uid new owner
 * @param gid new group
 * @param size bytes; truncation or extension
 * @param atimeNs nanoseconds since 1970
 * @param mtimeNs likewise
 * @param flags of FS_IOC_SETFLAGS, all of them
 * @param atimeNow atime becomes the command's time
 * @param mtimeNow likewise
 * @param byOpenHandle ftruncate: open(2) already checked the right to write
 * @param killSuidgid clear setuid and setgid, as FATTR_KILL_SUIDGID asks
 * @param ctimeNs the ctime of a holder of WRITE; 0: the command's time
 */
public record SetAttributesCommand(
        InodeId inode,
        @Nullable Integer mode,
        @Nullable Integer uid,
        @Nullable Integer gid,
        @Nullable Long size,
        @Nullable Long atimeNs,
        @Nullable Long mtimeNs,
        @Nullable Integer flags,
        boolean atimeNow,
        boolean mtimeNow,
        boolean byOpenHandle,
        boolean killSuidgid,
        long ctimeNs)
        implements NamespaceCommand<InodeRow> {
    /** Immutable, append-only, no dump, no atime, sync: what chattr(1) may set here. */
    static final int FLAGS_SUPPORTED =
            InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY | 0x40 | 0x80 | 0x8;

    @Override
    public InodeRow check(Tables tables, Origin origin) {
        InodeRow row = NamespaceReads.inode(tables, origin.volume(), inode);
        Caller caller = origin.caller();
        if (size != null) {
            requireMayResize(tables, row, size, caller);
        }
        requireNotProtected(row);
        requireTimes(tables, row, caller);
        boolean owner = Permissions.isOwnerOrCapable(row, caller);
        requireOwnership(row, caller);
        if (mode != null) {
            if (row.attributes().type() == FileType.SYMLINK) {
                throw new FsException(Errno.EOPNOTSUPP);
            }
            require(owner, Errno.EPERM);
        }
        if (flags != null) {
            require(owner, Errno.EPERM);
            require((flags & ~FLAGS_SUPPORTED) == 0, Errno.EOPNOTSUPP);
            int changed = flags ^ row.attributes().flags();
            // Of an immutable inode nothing else changes before that flag is gone, as on ext4.
            require(
                    changed == 0 || (row.attributes().flags() & flags & InodeEdit.IMMUTABLE) == 0,
                    Errno.EPERM);
            int privileged = InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY;
            require(
                    (changed & privileged) == 0 || caller.has(Capability.LINUX_IMMUTABLE),
                    Errno.EPERM);
        }
        return row;
    }

    private static void require(boolean holds, Errno otherwise) {
        if (!holds) {
            throw new FsException(otherwise);
        }
    }

    private void requireMayResize(Tables tables, InodeRow row, long newSize, Caller caller) {
        require(!row.isDirectory(), Errno.EISDIR);
        require(row.attributes().isRegular() && newSize >= 0, Errno.EINVAL);
        if (!byOpenHandle) {
            Permissions.require(tables, row, caller, Modes.WRITE);
        }
        require(!row.hasFlag(InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY), Errno.EPERM);
        require(newSize <= FileSize.MAX_BYTES, Errno.EFBIG);
    }

    private void requireNotProtected(InodeRow row) {
        boolean explicit = mode != null || uid != null || gid != null || setsTimes();
        if (explicit) {
            require(!row.hasFlag(InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY), Errno.EPERM);
        }
    }

    /** utimensat(2) with a time, or with only one of the two set to now: an owner's right. */
    private boolean setsTimes() {
        return atimeNs != null || mtimeNs != null || (atimeNow != mtimeNow && size == null);
    }

    private void requireTimes(Tables tables, InodeRow row, Caller caller) {
        if (setsTimes()) {
            require(Permissions.isOwnerOrCapable(row, caller), Errno.EPERM);
        } else if (atimeNow && mtimeNow) {
            require(!row.hasFlag(InodeEdit.IMMUTABLE), Errno.EPERM);
            if (!Permissions.isOwnerOrCapable(row, caller) && size == null) {
                Permissions.require(tables, row, caller, Modes.WRITE);
            }
        }
    }

    private void requireOwnership(InodeRow row, Caller caller) {
        if (caller.has(Capability.CHOWN)) {
            return;
        }
        boolean owner = caller.uid() == row.attributes().uid();
        if (uid != null) {
            require(owner && uid == row.attributes().uid(), Errno.EPERM);
        }
        if (gid != null) {
            boolean member = caller.isInGroup(gid) || gid == row.attributes().gid();
            require(owner && member, Errno.EPERM);
        }
    }

    @Override
    public CommandOutcome apply(InodeRow row, Tables tables, Origin origin) {
        InodeEdit edit = InodeEdit.of(row).attributesChanged(origin.timeNs());
        if (size != null) {
            resize(tables, edit, row, size, origin.timeNs());
        }
        if (uid != null || gid != null) {
            chown(edit, origin.caller());
        }
        if (mode != null) {
            chmod(tables, edit, row, mode, origin.caller());
        }
        if (killSuidgid) {
            edit.killSuidSgid();
        }
        boolean losesCapability = killSuidgid || size != null || uid != null || gid != null;
        if (losesCapability && row.hasXattrBit(InodeRow.CAPABILITY)) {
            Xattrs.remove(tables, edit, inode, Xattrs.CAPABILITY);
        }
        setTimes(edit, origin.timeNs());
        if (flags != null) {
            edit.flags = flags;
        }
        return CommandOutcome.ofInode(edit.put(tables));
    }

    /**
     * Whole chunks behind the new end go; what is left behind it in the last one is below the trim
     * bound.
     */
    private void resize(Tables tables, InodeEdit edit, InodeRow row, long newSize, long nowNs) {
        edit.contentChanged(nowNs);
        if (newSize < row.attributes().size() || row.trimBound() > newSize) {
            int chunkBytes = Chunks.chunkBytes(tables, row);
            long kept = FileSize.chunks(newSize, chunkBytes);
            Chunks.dropFrom(tables, inode, kept);
            boolean partial = newSize % chunkBytes != 0 && tables.chunkAt(inode, kept - 1) != null;
            edit.trimBound = partial ? FileSize.chunkEnd(kept - 1, chunkBytes) : 0;
            long sectorsMax =
                    Math.ceilDiv(Math.max(newSize, edit.trimBound), SectorRun.SECTOR_BYTES);
            edit.allocatedSectors = Math.min(edit.allocatedSectors, sectorsMax);
        }
        edit.size = newSize;
    }

    /**
     * A change of ownership takes setuid away even from root, and setgid where the group may
     * execute.
     */
    private void chown(InodeEdit edit, Caller caller) {
        if (edit.type() != FileType.DIRECTORY) {
            boolean mayKeep = Permissions.mayUseGroup(caller, edit.gid);
            edit.killSuidSgid();
            if (!mayKeep) {
                edit.mode &= ~Modes.SETGID;
            }
        }
        edit.uid = uid != null ? uid : edit.uid;
        edit.gid = gid != null ? gid : edit.gid;
    }

    private void chmod(Tables tables, InodeEdit edit, InodeRow row, int bits, Caller caller) {
        boolean keepsSetgid = Permissions.mayUseGroup(caller, edit.gid);
        edit.mode = bits & Modes.ALL & (keepsSetgid ? ~0 : ~Modes.SETGID);
        if (row.hasXattrBit(InodeRow.ACCESS_ACL)) {
            byte[] acl = Permissions.accessAcl(tables, row).withMode(bits).encode();
            Xattrs.put(tables, edit, inode, new XattrRow(Acl.ACCESS, acl));
        }
    }

    private void setTimes(InodeEdit edit, long nowNs) {
        if (atimeNow) {
            edit.atimeNs = nowNs;
        } else if (atimeNs != null) {
            edit.atimeNs = atimeNs;
        }
        if (mtimeNow) {
            edit.mtimeNs = nowNs;
        } else if (mtimeNs != null) {
            edit.mtimeNs = mtimeNs;
        }
        if (ctimeNs != 0) {
            edit.ctimeNs = ctimeNs;
        }
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        action.accept(inode);
    }
}
