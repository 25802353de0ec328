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

    /** The same with other attributes, unless those are older. */
    CachedInode with(Attributes newer) {
        return newer.version() < attributes.version()
                ? this
                : new CachedInode(newer, xattrs, symlinkTarget);
    }

    /** Names of the extended attributes, when known. */
    @Nullable List<Name> xattrNames() {
        return xattrs == null ? null : List.copyOf(xattrs.keySet());
    }
}
