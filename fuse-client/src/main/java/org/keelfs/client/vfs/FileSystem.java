package org.keelfs.client.vfs;

import java.nio.ByteBuffer;
import java.util.List;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * POSIX operations on inodes, as every adapter calls them. Knows no FUSE. All may be called from
 * any thread at any time, also for inodes that this process never handed out (after a restart, over
 * NFS): nodeid = inode number.
 *
 * <p>Each throws {@link org.keelfs.base.FsException} with the errno that its man page names, and
 * {@link WouldBlock} as {@link Call} says. Byte arguments are read or filled within the call.
 *
 * <p>Permissions by mode bits are checked by the kernel (default_permissions) for the kernel
 * adapter; calls that change the namespace are checked again where they are applied.
 */
public interface FileSystem {
    /** "." and ".." too (export by handle). */
    Entry lookup(Call call, InodeId parent, Name name);

    /**
     * How long the kernel may keep the absence of a name after a lookup that said ENOENT;
     * nanoseconds.
     */
    long absenceValidNs(InodeId parent, Name name);

    /** The kernel drops {@code lookups} references to the inode. Never waits, never fails. */
    void forget(InodeId inode, long lookups);

    AttributesAnswer getAttributes(Call call, InodeId inode);

    AttributesAnswer setAttributes(Call call, InodeId inode, AttributeChange change);

    /**
     * FS_IOC_SETFLAGS: sets all of {@link Attributes#flags}. EOPNOTSUPP for flags that are not
     * kept.
     */
    void setInodeFlags(Call call, InodeId inode, int flags);

    byte[] readLink(Call call, InodeId inode);

    /** mknod(2) of any type but directories and symlinks. */
    Entry makeNode(Call call, InodeId parent, Name name, int mode, int rdev);

    Entry makeDirectory(Call call, InodeId parent, Name name, int mode);

    Entry symlink(Call call, InodeId parent, Name name, byte[] target);

    Entry link(Call call, InodeId inode, InodeId newParent, Name newName);

    void unlink(Call call, InodeId parent, Name name);

    void removeDirectory(Call call, InodeId parent, Name name);

    /** {@code flags}: RENAME_NOREPLACE 1, RENAME_EXCHANGE 2. */
    void rename(
            Call call, InodeId oldParent, Name oldName, InodeId newParent, Name newName, int flags);

    /** {@code flags}: open(2)'s, Linux numbers; O_TRUNC is done here. */
    Opened open(Call call, InodeId inode, int flags);

    Created create(Call call, InodeId parent, Name name, int mode, int flags);

    /** O_TMPFILE in a directory. */
    Created createUnnamed(Call call, InodeId parent, int mode, int flags);

    /**
     * Fills {@code target} from its position; returns the number of bytes read, less than it has
     * room for only at the end of the file.
     *
     * @param intoPageCache the kernel fills a page of its cache, which it will show again; else it
     *     only passes the bytes on
     */
    int read(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer target,
            boolean intoPageCache);

    /**
     * Writes all that remains in {@code source}.
     *
     * @param flags of the write request: open flags in force (O_APPEND 0x400, O_SYNC, O_DSYNC,
     *     O_DIRECT)
     * @param killSuidGid clear setuid and setgid, as WRITE_KILL_SUIDGID asks
     * @param fromPageCache write-back of a mapped page (WRITE_CACHE): the caller is unknown, and a
     *     recall in progress waits for it
     */
    int write(
            Call call,
            InodeId inode,
            long handle,
            long offset,
            ByteBuffer source,
            int flags,
            boolean killSuidGid,
            boolean fromPageCache);

    /**
     * At each close(2) of a descriptor: reports write-back errors known by now, waits for nothing.
     */
    void flush(Call call, InodeId inode, long handle, long lockOwner);

    /** The last reference to a handle is gone. */
    void release(Call call, InodeId inode, long handle, long lockOwner, boolean unlockFlock);

    void fsync(Call call, InodeId inode, long handle, boolean dataOnly);

    /**
     * What forbids a lock (F_GETLK), of type {@link FileLock.Type#UNLOCK} where nothing does.
     *
     * @param lockOwner the kernel's number for the process or open file description
     */
    FileLock getLock(Call call, InodeId inode, long handle, long lockOwner, FileLock lock);

    /**
     * Gets, converts or gives up a lock: fcntl(2) and OFD locks, flock(2). EAGAIN: another's lock
     * forbids it, and {@code waits} is not set. EDEADLK, ENOLCK, EINTR as fcntl(2) has them.
     */
    void setLock(
            Call call, InodeId inode, long handle, long lockOwner, FileLock lock, boolean waits);

    Opened openDirectory(Call call, InodeId inode, int flags);

    /**
     * Entries behind {@code position} (0: from the start, with "." and ".."), until the sink is
     * full.
     */
    void readDirectory(
            Call call, InodeId inode, long handle, long position, boolean plus, DirectorySink sink);

    void releaseDirectory(Call call, InodeId inode, long handle);

    void fsyncDirectory(Call call, InodeId inode, long handle, boolean dataOnly);

    FileSystemStatistics statfs(Call call, InodeId inode);

    byte[] getXattr(Call call, InodeId inode, Name name);

    List<Name> listXattrs(Call call, InodeId inode);

    /**
     * {@code flags}: XATTR_CREATE 1, XATTR_REPLACE 2. {@code killSgid}:
     * FUSE_SETXATTR_ACL_KILL_SGID.
     */
    void setXattr(Call call, InodeId inode, Name name, byte[] value, int flags, boolean killSgid);

    void removeXattr(Call call, InodeId inode, Name name);

    /** {@code mask}: R_OK 4, W_OK 2, X_OK 1, F_OK 0. */
    void access(Call call, InodeId inode, int mask);

    /** {@code mode}: fallocate(2)'s FALLOC_FL bits. */
    void fallocate(Call call, InodeId inode, long handle, int mode, long offset, long length);

    /** {@code whence}: SEEK_DATA 3, SEEK_HOLE 4. */
    long seek(Call call, InodeId inode, long handle, long offset, int whence);

    long copyFileRange(
            Call call,
            InodeId source,
            long sourceHandle,
            long sourceOffset,
            InodeId target,
            long targetHandle,
            long targetOffset,
            long length);
}
