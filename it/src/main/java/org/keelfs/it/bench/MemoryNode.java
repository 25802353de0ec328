package org.keelfs.it.bench;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Clock;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * An inode of {@link MemoryFileSystem}. Fields are guarded by its monitor, bytes by {@link #data}.
 */
final class MemoryNode {
    static final int SECTOR = 4096;

    /**
     * Grain of sparse files; the first chunk of a file grows up to it, so that small files are
     * small.
     */
    static final int CHUNK = 128 * 1024;

    private static final byte[] @Nullable [] NO_CHUNKS = {};

    record DirEntry(Name name, MemoryNode node, long position) {}

    final InodeId id;
    final FileType type;
    final ReentrantReadWriteLock data = new ReentrantReadWriteLock();
    int mode;
    int uid;
    int gid;
    int links;
    int rdev;
    long atimeNs;
    long mtimeNs;
    long ctimeNs;
    final long btimeNs;
    byte[] target = {};
    @Nullable Map<Name, byte[]> xattrs;

    /** References of the kernel: lookups and open handles. */
    long lookups;

    long opens;

    // Directories; changed under the namespace lock.
    final Map<Name, DirEntry> byName;
    final ConcurrentSkipListMap<Long, DirEntry> byPosition;
    @Nullable MemoryNode parent;
    long nextPosition = 3;

    // Regular files; guarded by data.
    private volatile long size;
    private byte[] @Nullable [] chunks = NO_CHUNKS;
    private volatile long allocatedSectors;

    MemoryNode(InodeId id, FileType type, int mode, int uid, int gid) {
        this.id = id;
        this.type = type;
        this.mode = mode;
        this.uid = uid;
        this.gid = gid;
        this.links = type == FileType.DIRECTORY ? 2 : 1;
        long now = Clock.SYSTEM.wallNs();
        atimeNs = now;
        mtimeNs = now;
        ctimeNs = now;
        btimeNs = now;
        boolean directory = type == FileType.DIRECTORY;
        byName = directory ? new ConcurrentHashMap<>() : Map.of();
        byPosition = new ConcurrentSkipListMap<>();
    }

    synchronized Attributes attributes() {
        long shownSize =
                switch (type) {
                    case SYMLINK -> target.length;
                    case DIRECTORY -> byName.size();
                    default -> size;
                };
        return new Attributes(
                id,
                type,
                mode,
                uid,
                gid,
                links,
                rdev,
                shownSize,
                allocatedSectors,
                atimeNs,
                mtimeNs,
                ctimeNs,
                btimeNs,
                0,
                0);
    }

    synchronized void touch(boolean content) {
        long now = Clock.SYSTEM.wallNs();
        ctimeNs = now;
        if (content) {
            mtimeNs = now;
        }
    }

    /** Clears setuid, and setgid of a group-executable file. */
    synchronized void killSuidGid() {
        mode &= ~04000;
        if ((mode & 010) != 0) {
            mode &= ~02000;
        }
    }

    synchronized Map<Name, byte[]> xattrsForChange() {
        if (xattrs == null) {
            xattrs = new LinkedHashMap<>();
        }
        return xattrs;
    }

    long size() {
        return size;
    }

    int read(long offset, ByteBuffer into) {
        data.readLock().lock();
        try {
            int wanted = Math.clamp(size - offset, 0, into.remaining());
            int done = 0;
            while (done < wanted) {
                long at = offset + done;
                int inChunk = (int) (at % CHUNK);
                int n = Math.min(wanted - done, CHUNK - inChunk);
                copyOut(chunkAt(at), inChunk, n, into);
                done += n;
            }
            return done;
        } finally {
            data.readLock().unlock();
        }
    }

    private byte @Nullable [] chunkAt(long offset) {
        long index = offset / CHUNK;
        return index < chunks.length ? chunks[(int) index] : null;
    }

    private static void copyOut(byte @Nullable [] chunk, int from, int count, ByteBuffer into) {
        int there = chunk == null ? 0 : Math.clamp(chunk.length - from, 0, count);
        if (there > 0) {
            into.put(chunk, from, there);
        }
        for (int i = there; i < count; i++) {
            into.put((byte) 0);
        }
    }

    /**
     * Writes all of {@code source} at {@code offset}, or at the end for a negative one; bytes
     * allocated more.
     */
    long write(long offset, ByteBuffer source) {
        data.writeLock().lock();
        try {
            long before = allocatedSectors;
            long at = offset < 0 ? size : offset;
            while (source.hasRemaining()) {
                int inChunk = (int) (at % CHUNK);
                int n = Math.min(source.remaining(), CHUNK - inChunk);
                byte[] chunk = chunkForWrite((int) (at / CHUNK), inChunk + n);
                source.get(chunk, inChunk, n);
                at += n;
            }
            size = Math.max(size, at);
            touch(true);
            return (allocatedSectors - before) * SECTOR;
        } finally {
            data.writeLock().unlock();
        }
    }

    private byte[] chunkForWrite(int index, int end) {
        if (index >= chunks.length) {
            chunks =
                    Arrays.copyOf(
                            chunks, Math.max(index + 1, Math.min(2 * chunks.length, index + 1024)));
        }
        byte[] chunk = chunks[index];
        int old = chunk == null ? 0 : chunk.length;
        if (old < end) {
            int grown =
                    index > 0
                            ? CHUNK
                            : Math.min(
                                    CHUNK, Math.max(2 * old, (end + SECTOR - 1) / SECTOR * SECTOR));
            chunk = chunk == null ? new byte[grown] : Arrays.copyOf(chunk, grown);
            chunks[index] = chunk;
            allocate((grown - old) / SECTOR);
        }
        return java.util.Objects.requireNonNull(chunk);
    }

    /** Under the write lock; volatile for those who only look. */
    private void allocate(long sectors) {
        long before = allocatedSectors;
        allocatedSectors = before + sectors;
    }

    void truncate(long newSize) {
        data.writeLock().lock();
        try {
            if (newSize < size) {
                zero(newSize, Math.min(size, (newSize / CHUNK + 1) * CHUNK));
                int keep = (int) ((newSize + CHUNK - 1) / CHUNK);
                for (int i = keep; i < chunks.length; i++) {
                    drop(i);
                }
            }
            size = newSize;
            touch(true);
        } finally {
            data.writeLock().unlock();
        }
    }

    private void drop(int index) {
        byte[] chunk = chunks[index];
        if (chunk != null) {
            allocate(-chunk.length / SECTOR);
            chunks[index] = null;
        }
    }

    /** Zeroes a range; whole chunks are dropped. */
    void punch(long from, long to) {
        data.writeLock().lock();
        try {
            zero(from, Math.min(to, size));
            touch(true);
        } finally {
            data.writeLock().unlock();
        }
    }

    private void zero(long from, long to) {
        long at = from;
        while (at < to) {
            int index = (int) (at / CHUNK);
            int inChunk = (int) (at % CHUNK);
            int n = (int) Math.min(to - at, CHUNK - inChunk);
            if (index < chunks.length && chunks[index] != null) {
                if (n == CHUNK) {
                    drop(index);
                } else {
                    int length = chunks[index].length;
                    Arrays.fill(
                            chunks[index],
                            Math.min(inChunk, length),
                            Math.min(inChunk + n, length),
                            (byte) 0);
                }
            }
            at += n;
        }
    }

    /** SEEK_DATA or SEEK_HOLE; -1 for ENXIO. */
    long seek(long offset, boolean hole) {
        data.readLock().lock();
        try {
            if (offset < 0 || offset >= size) {
                return -1;
            }
            for (long at = offset; at < size; at = (at / CHUNK + 1) * CHUNK) {
                if ((chunkAt(at) == null) == hole) {
                    return at;
                }
            }
            return hole ? size : -1;
        } finally {
            data.readLock().unlock();
        }
    }

    /** Extends the file, allocating nothing. */
    void extend(long newSize) {
        data.writeLock().lock();
        try {
            if (newSize > size) {
                size = newSize;
                touch(true);
            }
        } finally {
            data.writeLock().unlock();
        }
    }
}
