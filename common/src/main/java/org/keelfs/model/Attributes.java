package org.keelfs.model;

/**
 * What stat(2) shows of an inode, and its version.
 *
 * @param inode number
 * @param type file type
 * @param mode the low 12 bits of st_mode (permissions, setuid, setgid, sticky)
 * @param uid owner, unsigned 32 bits
 * @param gid group, unsigned 32 bits
 * @param linkCount st_nlink
 * @param rdev device number of a device node, else 0 (Linux's 32-bit encoding of the FUSE protocol)
 * @param size bytes; of a symlink the length of its target
 * @param allocatedSectors 4 KiB sectors that hold data; st_blocks is eight times this
 * @param atimeNs nanoseconds since 1970, as are the next three
 * @param mtimeNs last change of content
 * @param ctimeNs last change of content or attributes
 * @param btimeNs creation
 * @param flags inode flags of FS_IOC_GETFLAGS (immutable 0x10, append-only 0x20)
 * @param version raised by every change of the inode, so that of two copies the newer is known
 */
public record Attributes(
        InodeId inode,
        FileType type,
        int mode,
        int uid,
        int gid,
        int linkCount,
        int rdev,
        long size,
        long allocatedSectors,
        long atimeNs,
        long mtimeNs,
        long ctimeNs,
        long btimeNs,
        int flags,
        long version) {
    public boolean isDirectory() {
        return type == FileType.DIRECTORY;
    }

    public boolean isRegular() {
        return type == FileType.REGULAR;
    }

    /** The whole st_mode: type and permission bits. */
    public int stMode() {
        return type.modeBits() | mode;
    }
}
