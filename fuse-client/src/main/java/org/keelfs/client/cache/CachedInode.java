package org.keelfs.client.cache;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.Attributes;
import org.keelfs.model.Name;

/**
 * What is known of an inode under a lease. Immutable: newer knowledge replaces it.
 *
 * @param attributes as the server has them
 * @param xattrs all of them, or null where they are not known
 * @param symlinkTarget of a symlink, else null
 */
public record CachedInode(
        Attributes attributes,
        @Nullable Map<Name, byte[]> xattrs,
        byte @Nullable [] symlinkTarget) {
    private static final Name ACCESS_ACL = Name.of("system.posix_acl_access");

    /**
     * The same with other attributes, unless those are older. Another mode means another access
     * list, if there is one: chmod(2) sets its mask.
     */
    CachedInode with(Attributes newer) {
        if (newer.version() < attributes.version()) {
            return this;
        }
        boolean listChanged =
                xattrs != null
                        && newer.mode() != attributes.mode()
                        && xattrs.containsKey(ACCESS_ACL);
        return new CachedInode(newer, listChanged ? null : xattrs, symlinkTarget);
    }

    /** Names of the extended attributes, when known. */
    @Nullable List<Name> xattrNames() {
        return xattrs == null ? null : List.copyOf(xattrs.keySet());
    }
}
