package org.keelfs.fuse.jnr;

import static org.junit.jupiter.api.Assertions.assertEquals;

import jnr.ffi.LibraryLoader;
import org.junit.jupiter.api.Test;

final class LibcLoadsTest {
    /** What this test calls of libc. */
    public interface Libc {
        int getpid();
    }

    @Test
    void libcIsCalledThroughJnr() {
        Libc libc = LibraryLoader.create(Libc.class).load("c");
        assertEquals(ProcessHandle.current().pid(), libc.getpid());
    }
}
