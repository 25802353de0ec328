package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;

/**
 * A disk in memory that can fail and lose what was not forced. Thread-safe: one lock. A crash keeps
 * forced bytes and any part of the others, in blocks; after it the old object refuses everything.
 */
final class MemoryFiles implements StoreFiles {
    private static final int BLOCK = 512;

    private static final class Content {
        byte[] bytes = new byte[0];
        byte[] forced = new byte[0];

        Content copy() {
            var copy = new Content();
            copy.bytes = bytes.clone();
            copy.forced = bytes.clone();
            return copy;
        }
    }

    private final TreeMap<String, Content> files = new TreeMap<>();
    private TreeMap<String, Content> forcedNames = new TreeMap<>();
    private boolean dead;

    /** Bytes that writes may still take before they fail; negative: no limit. */
    long writeBudget = -1;

    /** Bytes that a write call takes at most, so that all writes are short. */
    long writeMax = Long.MAX_VALUE;

    /** Calls of force until one fails; negative: none does. */
    int forcesLeft = -1;

    /** What the file system says is free. */
    volatile long usable = 1L << 40;

    int punched;

    /** Handles that may be open at once. */
    int openMax = Integer.MAX_VALUE;

    /** Handles that are open. */
    private int open;

    /** What a power cut leaves: forced bytes, and others as the dice say. */
    synchronized MemoryFiles crash(Random random) {
        dead = true;
        var after = new MemoryFiles();
        double kept = random.nextInt(3) / 2.0;
        for (var name : forcedNames.keySet()) {
            var content = forcedNames.get(name);
            var left = new Content();
            int size =
                    content.forced.length
                            + (content.bytes.length > content.forced.length
                                    ? random.nextInt(
                                            content.bytes.length - content.forced.length + 1)
                                    : 0);
            left.bytes = Arrays.copyOf(content.forced, size);
            for (int at = 0; at < size; at += BLOCK) {
                int end = Math.min(size, at + BLOCK);
                if (end > content.forced.length && random.nextDouble() < kept) {
                    int from = Math.max(at, content.forced.length);
                    System.arraycopy(content.bytes, from, left.bytes, from, end - from);
                }
            }
            left.forced = left.bytes.clone();
            after.files.put(name, left);
        }
        after.forcedNames = new TreeMap<>(after.files);
        return after;
    }

    /** The same files as they are, forced or not: what kill -9 leaves. */
    synchronized MemoryFiles kill() {
        dead = true;
        return copy();
    }

    /** An independent copy. */
    synchronized MemoryFiles copy() {
        var copy = new MemoryFiles();
        files.forEach((name, content) -> copy.files.put(name, content.copy()));
        copy.forcedNames = new TreeMap<>(copy.files);
        return copy;
    }

    synchronized byte[] bytes(String name) {
        return files.get(name).bytes.clone();
    }

    synchronized void put(String name, byte[] bytes) {
        var content = new Content();
        content.bytes = bytes.clone();
        content.forced = bytes.clone();
        files.put(name, content);
        forcedNames.put(name, content);
    }

    private void checkAlive() throws IOException {
        if (dead) {
            throw new IOException("the machine is off");
        }
    }

    @Override
    public synchronized List<String> list() throws IOException {
        checkAlive();
        return List.copyOf(files.keySet());
    }

    @Override
    public synchronized StoreFile open(String name) throws IOException {
        checkAlive();
        takeHandle(name);
        return new Handle(files.computeIfAbsent(name, _ -> new Content()));
    }

    @Override
    public synchronized StoreFile openToRead(String name) throws IOException {
        checkAlive();
        var content = files.get(name);
        if (content == null) {
            throw new NoSuchFileException(name);
        }
        takeHandle(name);
        return new Handle(content);
    }

    private synchronized void takeHandle(String name) throws IOException {
        if (open >= openMax) {
            throw new FileSystemException(name, null, "Too many open files");
        }
        open++;
    }

    /** Handles that are open now. */
    synchronized int openCount() {
        return open;
    }

    @Override
    public synchronized void delete(String name) throws IOException {
        checkAlive();
        files.remove(name);
    }

    @Override
    public synchronized void rename(String from, String to) throws IOException {
        checkAlive();
        files.put(to, files.remove(from));
    }

    @Override
    public synchronized void forceDirectory() throws IOException {
        checkAlive();
        forcedNames = new TreeMap<>(files);
    }

    @Override
    public long usableBytes() {
        return usable;
    }

    @Override
    public long totalBytes() {
        return 1L << 40;
    }

    @Override
    public synchronized void punch(String name, long offset, long length) throws IOException {
        checkAlive();
        var content = files.get(name);
        Arrays.fill(content.bytes, (int) offset, (int) (offset + length), (byte) 0);
        Arrays.fill(content.forced, (int) offset, (int) (offset + length), (byte) 0);
        punched++;
    }

    private final class Handle implements StoreFile {
        private final Content content;
        private boolean closed;

        Handle(Content content) {
            this.content = content;
        }

        @Override
        public long write(ByteBuffer[] buffers, int count, long offset) throws IOException {
            synchronized (MemoryFiles.this) {
                checkAlive();
                var parts = new ArrayList<byte[]>();
                long total = 0;
                for (int i = 0; i < count && total < writeMax; i++) {
                    long take = Math.min(buffers[i].remaining(), writeMax - total);
                    if (writeBudget >= 0) {
                        take = Math.min(take, writeBudget);
                        writeBudget -= take;
                    }
                    byte[] part = new byte[(int) take];
                    buffers[i].get(part);
                    parts.add(part);
                    total += take;
                    if (buffers[i].hasRemaining()) {
                        break;
                    }
                }
                if (total == 0 && writeBudget == 0) {
                    throw new IOException("No space left on device");
                }
                int end = (int) (offset + total);
                if (end > content.bytes.length) {
                    content.bytes = Arrays.copyOf(content.bytes, end);
                }
                int at = (int) offset;
                for (byte[] part : parts) {
                    System.arraycopy(part, 0, content.bytes, at, part.length);
                    at += part.length;
                }
                return total;
            }
        }

        @Override
        public int read(ByteBuffer buffer, long offset) throws IOException {
            synchronized (MemoryFiles.this) {
                checkAlive();
                if (closed) {
                    throw new ClosedChannelException();
                }
                int left = (int) (content.bytes.length - offset);
                if (left <= 0) {
                    return -1;
                }
                int n = Math.min(left, buffer.remaining());
                buffer.put(content.bytes, (int) offset, n);
                return n;
            }
        }

        @Override
        public void force() throws IOException {
            synchronized (MemoryFiles.this) {
                checkAlive();
                if (forcesLeft == 0) {
                    throw new IOException("Input/output error");
                }
                forcesLeft--;
                content.forced = content.bytes.clone();
            }
        }

        @Override
        public long size() {
            synchronized (MemoryFiles.this) {
                return content.bytes.length;
            }
        }

        @Override
        public void truncate(long size) throws IOException {
            synchronized (MemoryFiles.this) {
                checkAlive();
                content.bytes = Arrays.copyOf(content.bytes, (int) size);
            }
        }

        @Override
        public void close() {
            synchronized (MemoryFiles.this) {
                open -= closed ? 0 : 1;
                closed = true;
            }
        }
    }
}
