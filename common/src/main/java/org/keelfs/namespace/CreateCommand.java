package org.keelfs.namespace;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.base.InvariantViolation;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.Capability;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * open(O_CREAT), mkdir, mknod, symlink and O_TMPFILE.
 *
 * @param parent directory
 * @param name of the new entry; empty when unnamed
 * @param mode whole st_mode
 * @param umask taken off unless the parent has a default ACL
 * @param rdev of a device node
 * @param target of a symlink, else empty; not to be changed
 * @param unnamed O_TMPFILE: no entry, link count 0, pinned by the session
 * @param open the answer is to carry a lease for writing; changes nothing here
 * @param inode number of the new inode, from the session's pool; 0: the server draws one
 */
public record CreateCommand(
        InodeId parent,
        Name name,
        int mode,
        int umask,
        int rdev,
        byte[] target,
        boolean unnamed,
        boolean open,
        long inode)
        implements NamespaceCommand<InodeRow> {
    /** st_size of every directory: programs expect a block, and nothing depends on its content. */
    static final long DIRECTORY_BYTES = 4096;

    /** Subdirectories are bounded by st_nlink alone, as on XFS. */
    static final int LINK_COUNT_MAX = Integer.MAX_VALUE;

    /** PATH_MAX of limits.h without its NUL. */
    private static final int TARGET_BYTES_MAX = 4095;

    /** With a number that the server draws. */
    public CreateCommand(
            InodeId parent,
            Name name,
            int mode,
            int umask,
            int rdev,
            byte[] target,
            boolean unnamed,
            boolean open) {
        this(parent, name, mode, umask, rdev, target, unnamed, open, 0);
    }

    /** The parent. */
    @Override
    public InodeRow check(Tables tables, Origin origin) {
        FileType type = typeOrThrow();
        requireTarget(type);
        InodeRow directory = NamespaceReads.directory(tables, origin.volume(), parent);
        Caller caller = origin.caller();
        if (!unnamed) {
            requireAbsent(tables, directory, caller);
        } else if (type != FileType.REGULAR) {
            throw new FsException(Errno.EINVAL);
        }
        Permissions.requireMayCreate(tables, directory, caller);
        boolean device = type == FileType.BLOCK_DEVICE || type == FileType.CHARACTER_DEVICE;
        boolean whiteout = type == FileType.CHARACTER_DEVICE && rdev == 0;
        if (device && !whiteout && !caller.has(Capability.MKNOD)) {
            throw new FsException(Errno.EPERM);
        }
        if (type == FileType.DIRECTORY && directory.attributes().linkCount() >= LINK_COUNT_MAX) {
            throw new FsException(Errno.EMLINK);
        }
        if (inode != 0 && !sessionOrThrow(tables, origin).pool().contains(inode)) {
            throw new FsException(Errno.EINVAL, "inode number " + inode + " is not of the pool");
        }
        return directory;
    }

    private static SessionRow sessionOrThrow(Tables tables, Origin origin) {
        SessionRow row = tables.session(origin.session());
        if (row == null) {
            throw new FsException(Errno.EINVAL, "no session " + origin.session());
        }
        return row;
    }

    /** The number that the session chose, which is used up then, or the next one of all. */
    private InodeId number(Tables tables, Origin origin) {
        if (inode == 0) {
            return new InodeId(tables.draw(Counter.INODE));
        }
        SessionRow session = sessionOrThrow(tables, origin);
        tables.putSession(session.withPool(session.pool().after(inode)));
        return new InodeId(inode);
    }

    private FileType typeOrThrow() {
        try {
            return FileType.ofMode(mode);
        } catch (IllegalArgumentException unknown) {
            throw new FsException(Errno.EINVAL, String.valueOf(unknown.getMessage()));
        }
    }

    private void requireTarget(FileType type) {
        if (type == FileType.SYMLINK && target.length == 0) {
            throw new FsException(Errno.ENOENT);
        }
        if (target.length > TARGET_BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
    }

    private void requireAbsent(Tables tables, InodeRow directory, Caller caller) {
        if (NamespaceReads.isSelfOrParent(name)
                || NamespaceReads.find(tables, directory, name, caller) != null) {
            throw new FsException(Errno.EEXIST);
        }
    }

    @Override
    public CommandOutcome apply(InodeRow directory, Tables tables, Origin origin) {
        InodeRow created = newInode(directory, tables, origin);
        tables.putInode(created);
        tables.addTo(Counter.LIVE_INODES, 1);
        if (unnamed) {
            tables.putPin(created.id(), origin.session());
            return CommandOutcome.ofInode(created);
        }
        InodeEdit edit = InodeEdit.of(directory).contentChanged(origin.timeNs());
        if (created.isDirectory()) {
            edit.addLinks(1);
        }
        long position = edit.nextPosition++;
        tables.putEntry(
                parent, new EntryRow(name, created.id(), created.attributes().type(), position));
        InodeRow changed = edit.put(tables);
        return new CommandOutcome(
                null, created.attributes(), changed.attributes(), null, null, position);
    }

    private InodeRow newInode(InodeRow directory, Tables tables, Origin origin) {
        FileType type = typeOrThrow();
        InodeId id = number(tables, origin);
        boolean groupOfParent = (directory.attributes().mode() & Modes.SETGID) != 0;
        int gid = groupOfParent ? directory.attributes().gid() : origin.caller().gid();
        int bits = permissionBits(type, directory, origin.caller());
        var acls = new InheritedAcls(id, type);
        if (directory.hasXattrBit(InodeRow.DEFAULT_ACL) && type != FileType.SYMLINK) {
            bits = acls.inherit(tables, directory.id(), bits);
        } else if (type != FileType.SYMLINK) {
            bits &= ~(umask & Modes.PERMISSIONS);
        }
        boolean isDirectory = type == FileType.DIRECTORY;
        if (isDirectory && groupOfParent) {
            bits |= Modes.SETGID;
        }
        int links = unnamed ? 0 : isDirectory ? 2 : 1;
        boolean device = type == FileType.BLOCK_DEVICE || type == FileType.CHARACTER_DEVICE;
        long now = origin.timeNs();
        return new InodeRow(
                new Attributes(
                        id,
                        type,
                        bits,
                        origin.caller().uid(),
                        gid,
                        links,
                        device ? rdev : 0,
                        isDirectory
                                ? DIRECTORY_BYTES
                                : type == FileType.SYMLINK ? target.length : 0,
                        0,
                        now,
                        now,
                        now,
                        now,
                        0,
                        1),
                directory.volume(),
                isDirectory ? directory.id() : new InodeId(0),
                EntryRow.FIRST_POSITION,
                0,
                acls.xattrBits,
                acls.xattrBytes,
                type == FileType.SYMLINK ? target : InodeRow.NO_TARGET,
                unnamed);
    }

    /** vfs_prepare_mode of fs/namei.c, without the umask. */
    private int permissionBits(FileType type, InodeRow directory, Caller caller) {
        Attributes a = directory.attributes();
        return switch (type) {
            case SYMLINK -> Modes.PERMISSIONS;
            case DIRECTORY -> mode & (Modes.PERMISSIONS | Modes.STICKY);
            default -> {
                int bits = mode & Modes.ALL;
                int setgidExecutable = Modes.SETGID | Modes.GROUP_EXECUTE;
                boolean loses =
                        (bits & setgidExecutable) == setgidExecutable
                                && (a.mode() & Modes.SETGID) != 0
                                && !Permissions.mayUseGroup(caller, a.gid());
                yield loses ? bits & ~Modes.SETGID : bits;
            }
        };
    }

    @Override
    public void forEachTouched(Tables tables, Consumer<InodeId> action) {
        if (!unnamed) {
            action.accept(parent);
        }
    }

    /** Access control lists that a new inode gets from the default one of its directory. */
    private static final class InheritedAcls {
        private final InodeId inode;
        private final FileType type;
        int xattrBits;
        int xattrBytes;

        InheritedAcls(InodeId inode, FileType type) {
            this.inode = inode;
            this.type = type;
        }

        /** Stores them and returns the mode fitted to them. */
        int inherit(Tables tables, InodeId directory, int mode) {
            byte[] value = tables.xattr(directory, Acl.DEFAULT);
            Acl inherited = value == null ? null : Acl.decode(value);
            if (inherited == null) {
                throw new InvariantViolation(directory + " says it has a default ACL");
            }
            Acl.Fitted fitted = inherited.fitTo(mode);
            if (!inherited.isMinimal()) {
                store(tables, Acl.ACCESS, fitted.acl().encode(), InodeRow.ACCESS_ACL);
            }
            if (type == FileType.DIRECTORY) {
                store(tables, Acl.DEFAULT, value, InodeRow.DEFAULT_ACL);
            }
            return fitted.mode();
        }

        private void store(Tables tables, Name aclName, byte @Nullable [] value, int bit) {
            byte[] stored = value == null ? new byte[0] : value;
            tables.putXattr(inode, new XattrRow(aclName, stored));
            xattrBits |= bit;
            xattrBytes += aclName.length() + stored.length;
        }
    }
}
