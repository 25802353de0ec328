package org.keelfs.namespace;

import java.nio.charset.StandardCharsets;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Caller;
import org.keelfs.model.Capability;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** Names, limits and rights of extended attributes, as xattr(7) and fs/xattr.c have them. */
public final class Xattrs {
    /** XATTR_SIZE_MAX of limits.h. */
    public static final int VALUE_BYTES_MAX = 64 * 1024;

    /** XATTR_NAME_MAX of limits.h. */
    public static final int NAME_BYTES_MAX = 255;

    /**
     * Names and values of one inode: they travel with it in one reply of at most 1 MiB beside
     * others.
     */
    public static final int TOTAL_BYTES_MAX = 256 * 1024;

    static final Name CAPABILITY = Name.of("security.capability");

    private enum Namespace {
        USER("user."),
        TRUSTED("trusted."),
        SECURITY("security."),
        SYSTEM("system.");

        private final byte[] prefix;

        Namespace(String prefix) {
            this.prefix = prefix.getBytes(StandardCharsets.US_ASCII);
        }

        boolean holds(Name name) {
            return name.length() >= prefix.length
                    && java.util.Arrays.equals(
                            name.bytes(), 0, prefix.length, prefix, 0, prefix.length);
        }
    }

    private Xattrs() {}

    static boolean isAcl(Name name) {
        return name.equals(Acl.ACCESS) || name.equals(Acl.DEFAULT);
    }

    /**
     * Throws as getxattr(2) does for an attribute that this caller may not see; says nothing about
     * its existence.
     */
    public static void requireMayRead(Tables tables, InodeRow row, Name name, Caller caller) {
        switch (namespaceOrThrow(name)) {
            case TRUSTED -> require(caller.has(Capability.SYS_ADMIN), Errno.ENODATA);
            case USER -> {
                require(takesUserAttributes(row), Errno.ENODATA);
                Permissions.require(tables, row, caller, Modes.READ);
            }
            case SECURITY, SYSTEM -> {}
        }
    }

    static void requireMayChange(Tables tables, InodeRow row, Name name, Caller caller) {
        Namespace namespace = namespaceOrThrow(name);
        require(!row.hasFlag(InodeEdit.IMMUTABLE | InodeEdit.APPEND_ONLY), Errno.EPERM);
        switch (namespace) {
            case TRUSTED -> require(caller.has(Capability.SYS_ADMIN), Errno.EPERM);
            case SECURITY -> {
                boolean forPrograms = name.equals(CAPABILITY);
                Capability needed = forPrograms ? Capability.SETFCAP : Capability.SYS_ADMIN;
                require(caller.has(needed), Errno.EPERM);
            }
            case SYSTEM -> {
                boolean symlink = row.attributes().type() == FileType.SYMLINK;
                require(!symlink, Errno.EOPNOTSUPP);
                require(Permissions.isOwnerOrCapable(row, caller), Errno.EPERM);
            }
            case USER -> requireMayChangeUser(tables, row, caller);
        }
    }

    private static void requireMayChangeUser(Tables tables, InodeRow row, Caller caller) {
        require(takesUserAttributes(row), Errno.EPERM);
        boolean sticky = row.isDirectory() && (row.attributes().mode() & Modes.STICKY) != 0;
        require(!sticky || Permissions.isOwnerOrCapable(row, caller), Errno.EPERM);
        Permissions.require(tables, row, caller, Modes.WRITE);
    }

    private static boolean takesUserAttributes(InodeRow row) {
        return row.isDirectory() || row.attributes().isRegular();
    }

    private static Namespace namespaceOrThrow(Name name) {
        require(name.length() > 0 && name.length() <= NAME_BYTES_MAX, Errno.ERANGE);
        for (Namespace namespace : Namespace.values()) {
            if (namespace.holds(name)) {
                require(namespace != Namespace.SYSTEM || isAcl(name), Errno.EOPNOTSUPP);
                require(name.length() > namespace.prefix.length, Errno.EINVAL);
                return namespace;
            }
        }
        throw new FsException(Errno.EOPNOTSUPP);
    }

    private static void require(boolean holds, Errno otherwise) {
        if (!holds) {
            throw new FsException(otherwise);
        }
    }

    /** Bytes that all attributes take once this one has this value. */
    static int totalWith(Tables tables, InodeRow row, XattrRow xattr) {
        return row.xattrBytes() - bytesOf(tables, row.id(), xattr.name()) + bytesOf(xattr);
    }

    static void put(Tables tables, InodeEdit edit, InodeId inode, XattrRow xattr) {
        edit.xattrBytes += bytesOf(xattr) - bytesOf(tables, inode, xattr.name());
        edit.xattrBits |= bitOf(xattr.name());
        tables.putXattr(inode, xattr);
    }

    static void remove(Tables tables, InodeEdit edit, InodeId inode, Name name) {
        edit.xattrBytes -= bytesOf(tables, inode, name);
        edit.xattrBits &= ~bitOf(name);
        tables.deleteXattr(inode, name);
    }

    /** The {@link InodeRow#xattrBits} of an inode with attributes of these names. */
    public static int bitsOf(Iterable<Name> names) {
        int bits = 0;
        for (Name name : names) {
            bits |= bitOf(name);
        }
        return bits;
    }

    private static int bitOf(Name name) {
        if (name.equals(Acl.ACCESS)) {
            return InodeRow.ACCESS_ACL;
        }
        if (name.equals(Acl.DEFAULT)) {
            return InodeRow.DEFAULT_ACL;
        }
        return name.equals(CAPABILITY) ? InodeRow.CAPABILITY : 0;
    }

    private static int bytesOf(Tables tables, InodeId inode, Name name) {
        byte[] value = tables.xattr(inode, name);
        return value == null ? 0 : name.length() + value.length;
    }

    private static int bytesOf(XattrRow xattr) {
        return xattr.name().length() + xattr.value().length;
    }
}
