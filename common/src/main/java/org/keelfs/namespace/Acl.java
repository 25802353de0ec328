package org.keelfs.namespace;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Caller;
import org.keelfs.model.Name;

/**
 * A POSIX access control list (acl(5)), immutable, in the order that Linux demands: owner, users,
 * owning group, groups, mask, others. The rules are those of fs/posix_acl.c.
 */
final class Acl {
    static final Name ACCESS = Name.of("system.posix_acl_access");
    static final Name DEFAULT = Name.of("system.posix_acl_default");

    private static final int XATTR_VERSION = 2;
    private static final int HEADER_BYTES = 4;
    private static final int ENTRY_BYTES = 8;

    private static final int USER_OBJ = 0x01;
    private static final int USER = 0x02;
    private static final int GROUP_OBJ = 0x04;
    private static final int GROUP = 0x08;
    private static final int MASK = 0x10;
    private static final int OTHER = 0x20;

    private record Entry(int tag, int permissions, int id) {
        Entry with(int newPermissions) {
            return new Entry(tag, newPermissions, id);
        }
    }

    /** An ACL fitted to a mode, and the mode fitted to it. */
    record Fitted(Acl acl, int mode) {}

    private final List<Entry> entries;

    private Acl(List<Entry> entries) {
        this.entries = List.copyOf(entries);
    }

    /**
     * Of the value of the extended attribute; null for a list without entries, which means none.
     */
    static @Nullable Acl decode(byte[] value) {
        if (value.length == 0) {
            return null;
        }
        if (value.length < HEADER_BYTES || (value.length - HEADER_BYTES) % ENTRY_BYTES != 0) {
            throw new FsException(Errno.EINVAL);
        }
        ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        if (in.getInt() != XATTR_VERSION) {
            throw new FsException(Errno.EOPNOTSUPP);
        }
        List<Entry> entries = new ArrayList<>();
        while (in.hasRemaining()) {
            entries.add(new Entry(in.getShort() & 0xFFFF, in.getShort() & 0xFFFF, in.getInt()));
        }
        if (entries.isEmpty()) {
            return null;
        }
        requireValid(entries);
        return new Acl(entries);
    }

    /** Tags ascend, the three base entries are there once, and users or groups need a mask. */
    private static void requireValid(List<Entry> entries) {
        int before = 0;
        int seen = 0;
        for (Entry e : entries) {
            boolean repeatable = e.tag == USER || e.tag == GROUP;
            boolean known = Integer.bitCount(e.tag) == 1 && e.tag <= OTHER;
            boolean ordered = e.tag > before || (e.tag == before && repeatable);
            if (!known || !ordered || (e.permissions & ~7) != 0) {
                throw new FsException(Errno.EINVAL);
            }
            before = e.tag;
            seen |= e.tag;
        }
        int base = USER_OBJ | GROUP_OBJ | OTHER;
        boolean needsMask = (seen & (USER | GROUP)) != 0;
        if ((seen & base) != base || (needsMask && (seen & MASK) == 0)) {
            throw new FsException(Errno.EINVAL);
        }
    }

    byte[] encode() {
        ByteBuffer out = ByteBuffer.allocate(HEADER_BYTES + entries.size() * ENTRY_BYTES);
        out.order(ByteOrder.LITTLE_ENDIAN).putInt(XATTR_VERSION);
        for (Entry e : entries) {
            out.putShort((short) e.tag).putShort((short) e.permissions).putInt(e.id);
        }
        return out.array();
    }

    /** Whether it says no more than permission bits can. */
    boolean isMinimal() {
        return entries.size() == 3;
    }

    /** The permission bits that stand for it: the group's are the mask's where there is one. */
    int modeBits() {
        int mask = permissionsOf(MASK);
        int group = mask >= 0 ? mask : permissionsOf(GROUP_OBJ);
        return permissionsOf(USER_OBJ) << 6 | group << 3 | permissionsOf(OTHER);
    }

    private int permissionsOf(int tag) {
        for (Entry e : entries) {
            if (e.tag == tag) {
                return e.permissions;
            }
        }
        return -1;
    }

    /** What chmod(2) makes of it. */
    Acl withMode(int mode) {
        boolean hasMask = permissionsOf(MASK) >= 0;
        List<Entry> changed = new ArrayList<>(entries.size());
        for (Entry e : entries) {
            changed.add(
                    switch (e.tag) {
                        case USER_OBJ -> e.with(mode >> 6 & 7);
                        case GROUP_OBJ -> hasMask ? e : e.with(mode >> 3 & 7);
                        case MASK -> e.with(mode >> 3 & 7);
                        case OTHER -> e.with(mode & 7);
                        default -> e;
                    });
        }
        return new Acl(changed);
    }

    /**
     * What a file made with this mode under this default ACL gets: both allow only what the other
     * allows.
     */
    Fitted fitTo(int mode) {
        boolean hasMask = permissionsOf(MASK) >= 0;
        int fitted = mode & ~Modes.PERMISSIONS;
        List<Entry> changed = new ArrayList<>(entries.size());
        for (Entry e : entries) {
            int shift =
                    switch (e.tag) {
                        case USER_OBJ -> 6;
                        case GROUP_OBJ -> hasMask ? -1 : 3;
                        case MASK -> 3;
                        case OTHER -> 0;
                        default -> -1;
                    };
            Entry kept = shift < 0 ? e : e.with(e.permissions & mode >> shift & 7);
            if (shift >= 0) {
                fitted |= kept.permissions << shift;
            }
            changed.add(kept);
        }
        return new Fitted(new Acl(changed), fitted);
    }

    /** Whether it allows all of the mask to someone who is not the owner of the file. */
    boolean allows(Caller caller, int owningGroup, int mask) {
        boolean inAGroup = false;
        for (Entry e : entries) {
            boolean allowed = (e.permissions & mask) == mask;
            switch (e.tag) {
                case USER -> {
                    if (e.id == caller.uid()) {
                        return allowed && maskAllows(mask);
                    }
                }
                case GROUP_OBJ, GROUP -> {
                    if (caller.isInGroup(e.tag == GROUP ? e.id : owningGroup)) {
                        inAGroup = true;
                        if (allowed) {
                            return maskAllows(mask);
                        }
                    }
                }
                case OTHER -> {
                    return !inAGroup && allowed;
                }
                default -> {}
            }
        }
        return false;
    }

    private boolean maskAllows(int mask) {
        int limit = permissionsOf(MASK);
        return limit < 0 || (limit & mask) == mask;
    }
}
