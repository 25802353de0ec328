package org.keelfs.node.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/** A directory of the local file system. */
public final class DiskFiles implements StoreFiles {
    private final Path directory;
    private final HolePuncher puncher;

    public DiskFiles(Path directory, HolePuncher puncher) {
        this.directory = directory;
        this.puncher = puncher;
    }

    @Override
    public List<String> list() throws IOException {
        try (var entries = Files.list(directory)) {
            return entries.filter(Files::isRegularFile)
                    .map(p -> String.valueOf(p.getFileName()))
                    .toList();
        }
    }

    @Override
    public StoreFile open(String name) throws IOException {
        return new DiskFile(
                FileChannel.open(
                        directory.resolve(name),
                        StandardOpenOption.CREATE,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE));
    }

    @Override
    public StoreFile openToRead(String name) throws IOException {
        return new DiskFile(FileChannel.open(directory.resolve(name), StandardOpenOption.READ));
    }

    @Override
    public void delete(String name) throws IOException {
        Files.deleteIfExists(directory.resolve(name));
    }

    @Override
    public void rename(String from, String to) throws IOException {
        Files.move(
                directory.resolve(from),
                directory.resolve(to),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    @Override
    public void forceDirectory() throws IOException {
        // Opening a directory for reading and forcing it is fsync(2) of the directory on Linux.
        try (var channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public long usableBytes() throws IOException {
        return Files.getFileStore(directory).getUsableSpace();
    }

    @Override
    public long totalBytes() throws IOException {
        return Files.getFileStore(directory).getTotalSpace();
    }

    @Override
    public void punch(String name, long offset, long length) throws IOException {
        puncher.punch(directory.resolve(name), offset, length);
    }

    /** A file by its channel. */
    private record DiskFile(FileChannel channel) implements StoreFile {
        @Override
        public long write(ByteBuffer[] buffers, int count, long offset) throws IOException {
            // One writer at a time: moving the channel's own position disturbs nobody.
            channel.position(offset);
            return channel.write(buffers, 0, count);
        }

        @Override
        public int read(ByteBuffer buffer, long offset) throws IOException {
            return channel.read(buffer, offset);
        }

        @Override
        public void force() throws IOException {
            channel.force(false);
        }

        @Override
        public long size() throws IOException {
            return channel.size();
        }

        @Override
        public void truncate(long size) throws IOException {
            channel.truncate(size);
        }

        @Override
        public void close() throws IOException {
            channel.close();
        }
    }
}
