package org.keelfs.client.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

class CachedInodeTest {
    private static final Map<Name, byte[]> LIST =
            Map.of(Name.of("system.posix_acl_access"), new byte[] {2, 0, 0, 0});
    private static final Map<Name, byte[]> OTHER = Map.of(Name.of("user.x"), new byte[] {1});

    private static Attributes attributes(int mode, long version) {
        return new Attributes(
                new InodeId(7), FileType.REGULAR, mode, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, version);
    }

    private static CachedInode known(Map<Name, byte[]> xattrs) {
        return new CachedInode(attributes(0660, 5), xattrs, null);
    }

    @Test
    void anotherModeMeansAnotherAccessList() {
        assertNull(known(LIST).with(attributes(0640, 6)).xattrs());
        assertSame(LIST, known(LIST).with(attributes(0660, 6)).xattrs());
        assertSame(OTHER, known(OTHER).with(attributes(0640, 6)).xattrs());
    }

    @Test
    void olderAttributesChangeNothing() {
        CachedInode same = known(LIST).with(attributes(0640, 4));
        assertSame(LIST, same.xattrs());
        assertEquals(0660, same.attributes().mode());
    }
}
