package org.keelfs.node.store;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * One open file of the store. Reads from any thread; writes, force and truncate from one at a time.
 */
public interface StoreFile extends Closeable {
    /**
     * Writes the remaining bytes of the buffers one after another at a place; may write fewer.
     *
     * @return number of bytes written; the buffers' positions say which
     */
    long write(ByteBuffer[] buffers, int count, long offset) throws IOException;

    /** Reads into the buffer's remaining space; -1 at the end of the file, may read fewer. */
    int read(ByteBuffer buffer, long offset) throws IOException;

    /** Makes the bytes, and the size where it is needed to find them, durable (fdatasync). */
    void force() throws IOException;

    long size() throws IOException;

    void truncate(long size) throws IOException;

    /** Fills the buffer from a place, or throws {@link java.io.EOFException}. */
    default void readFully(ByteBuffer buffer, long offset) throws IOException {
        long at = offset;
        while (buffer.hasRemaining()) {
            int n = read(buffer, at);
            if (n < 0) {
                throw new java.io.EOFException("file ends at " + at);
            }
            at += n;
        }
    }
}
