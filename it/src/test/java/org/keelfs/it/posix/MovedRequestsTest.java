package org.keelfs.it.posix;

/** The same where every operation waits: all requests move to virtual threads. */
final class MovedRequestsTest extends KernelAdapterTest {
    @Override
    boolean moves() {
        return true;
    }
}
