package org.keelfs.fuse.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.keelfs.fuse.kernel.protocol.InitFlag;
import org.keelfs.fuse.kernel.protocol.Layout.InitIn;
import org.keelfs.fuse.kernel.protocol.Layout.InitOut;

/** What is asked of which kernel. */
final class NegotiationTest {
    private static final long WRITEBACK_CACHE = 1L << 16;
    private static final long REQUEST_TIMEOUT = 1L << 42;

    private final ByteBuffer in = ByteBuffer.allocate(InitIn.SIZE).order(ByteOrder.nativeOrder());
    private final ByteBuffer out = ByteBuffer.allocate(InitOut.SIZE).order(ByteOrder.nativeOrder());

    private Negotiation answer(int minor, long offered, MountOptions options) {
        in.putInt(InitIn.MAJOR, 7).putInt(InitIn.MINOR, minor);
        in.putInt(InitIn.MAX_READAHEAD, 131072);
        in.putInt(InitIn.FLAGS, (int) offered).putInt(InitIn.FLAGS2, (int) (offered >>> 32));
        return Negotiation.answer(in, 0, out, 0, options);
    }

    @Test
    void takesWhatIsWantedOfWhatIsOffered() {
        Negotiation all = answer(45, -1, MountOptions.DEFAULTS);
        assertTrue(all.has(InitFlag.POSIX_ACL) && all.has(InitFlag.CREATE_SUPP_GROUP));
        assertFalse(all.has(WRITEBACK_CACHE) || all.has(REQUEST_TIMEOUT));
        assertFalse(all.has(InitFlag.POSIX_LOCKS) || all.has(InitFlag.FLOCK_LOCKS));
        assertEquals((int) all.flags(), out.getInt(InitOut.FLAGS));
        assertEquals((int) (all.flags() >>> 32), out.getInt(InitOut.FLAGS2));
        assertEquals(1 << 20, out.getInt(InitOut.MAX_WRITE));
        assertEquals(256, out.getShort(InitOut.MAX_PAGES));
        assertEquals(131072, out.getInt(InitOut.MAX_READAHEAD));
        assertEquals(1, out.getInt(InitOut.TIME_GRAN));
    }

    @Test
    void upperFlagsCountOnlyWithInitExt() {
        Negotiation old = answer(34, ~InitFlag.INIT_EXT, MountOptions.DEFAULTS);
        assertEquals(0, old.flags() >>> 32);
        assertEquals(34, old.minor());
        assertEquals(34, out.getInt(InitOut.MINOR));
    }

    @Test
    void withoutAclsTheKernelAppliesTheUmask() {
        Negotiation plain = answer(45, -1, MountOptions.builder().acl(false).build());
        assertFalse(plain.has(InitFlag.POSIX_ACL) || plain.has(InitFlag.DONT_MASK));
    }

    @Test
    void kernelsOfOlderTimesAreRefused() {
        var e = assertThrows(MountException.class, () -> answer(26, -1, MountOptions.DEFAULTS));
        assertTrue(e.getMessage().contains("7.26"), e.getMessage());
    }
}
