package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Off-heap bytes from a page boundary on, with their address. Owned by one thread at a time. */
final class NativeBuffer {
    static final int PAGE = 4096;

    private final ByteBuffer bytes;
    private final long address;

    NativeBuffer(int capacity) {
        bytes =
                ByteBuffer.allocateDirect((capacity + PAGE - 1) / PAGE * PAGE + PAGE)
                        .alignedSlice(PAGE)
                        .slice(0, capacity)
                        .order(ByteOrder.nativeOrder());
        address = Libc.address(bytes);
    }

    ByteBuffer bytes() {
        return bytes;
    }

    int capacity() {
        return bytes.capacity();
    }

    /** Address of a part that lies wholly inside. */
    long address(int offset, int length) {
        if (offset < 0 || length < 0 || offset > capacity() - length) {
            throw new IndexOutOfBoundsException(
                    "bytes " + offset + " + " + length + " of a buffer of " + capacity());
        }
        return address + offset;
    }
}
