package org.keelfs.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.Created;
import org.keelfs.client.vfs.Entry;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.client.vfs.Opened;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/**
 * Files of a volume by their paths, over the same core as a mount but without the kernel. Follows
 * symbolic links nowhere. Used by one thread.
 */
final class VolumeFiles {
    private static final int BLOCK_BYTES = 1 << 20;
    private static final int O_RDONLY = 0;
    private static final int O_WRONLY = 1;
    private static final int DIRECTORY_MODE = 0755;
    private static final int FILE_MODE = 0644;

    private final FileSystem files;
    private final Call call;

    VolumeFiles(FileSystem files, Call call) {
        this.files = files;
        this.call = call;
    }

    /** One entry of a listing. */
    record Listed(String name, Attributes attributes) {}

    /** Attributes of what a path names. */
    Attributes attributes(String path) {
        return resolve(components(path), path);
    }

    /** The entries of a directory by name, or the file itself. */
    List<Listed> list(String path) {
        Attributes at = attributes(path);
        if (!at.isDirectory()) {
            return List.of(new Listed(path, at));
        }
        List<Name> names = names(at.inode());
        names.sort(null);
        var listed = new ArrayList<Listed>();
        for (Name name : names) {
            try {
                listed.add(
                        new Listed(
                                name.toString(),
                                files.lookup(call, at.inode(), name).attributes()));
            } catch (FsException e) {
                if (e.errno() != Errno.ENOENT) { // removed meanwhile
                    throw e;
                }
            }
        }
        return listed;
    }

    private List<Name> names(InodeId directory) {
        Opened opened = files.openDirectory(call, directory, O_RDONLY);
        try {
            var names = new ArrayList<Name>();
            long[] position = {0};
            int before;
            do {
                before = names.size();
                files.readDirectory(
                        call,
                        directory,
                        opened.handle(),
                        position[0],
                        false,
                        (name, inode, type, nextPosition, entry) -> {
                            position[0] = nextPosition;
                            String text = name.toString();
                            if (!text.equals(".") && !text.equals("..")) {
                                names.add(name);
                            }
                            return true;
                        });
            } while (names.size() > before);
            return names;
        } finally {
            files.releaseDirectory(call, directory, opened.handle());
        }
    }

    /** Copies a file's contents out; returns their length in bytes. */
    long read(String path, WritableByteChannel to) throws IOException {
        Attributes at = attributes(path);
        if (at.isDirectory()) {
            throw new FsException(Errno.EISDIR, path + " is a directory");
        }
        Opened opened = files.open(call, at.inode(), O_RDONLY);
        try {
            ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
            long offset = 0;
            while (true) {
                int length =
                        files.read(call, at.inode(), opened.handle(), offset, block.clear(), false);
                if (length <= 0) {
                    return offset;
                }
                block.position(0).limit(length);
                while (block.hasRemaining()) {
                    to.write(block);
                }
                offset += length;
            }
        } finally {
            files.release(call, at.inode(), opened.handle(), 0, false);
        }
    }

    /**
     * Puts a file: its directories are made, and it shows under its name when all of it is durable,
     * in place of an earlier one. Returns its length in bytes.
     */
    long write(String path, ReadableByteChannel from) throws IOException {
        List<Name> components = components(path);
        if (components.isEmpty()) {
            throw new FsException(Errno.EISDIR, path + " is a directory");
        }
        InodeId parent = makeDirectories(components.subList(0, components.size() - 1), path);
        long tag =
                new SplittableRandom(System.nanoTime() ^ ProcessHandle.current().pid()).nextLong();
        Name temporary = Name.of(".put-" + HexFormat.of().toHexDigits(tag));
        Created created = files.create(call, parent, temporary, FILE_MODE, O_WRONLY);
        InodeId inode = created.entry().attributes().inode();
        long handle = created.opened().handle();
        boolean done = false;
        try {
            long length = copy(from, inode, handle);
            files.fsync(call, inode, handle, false);
            files.rename(call, parent, temporary, parent, components.getLast(), 0);
            Opened directory = files.openDirectory(call, parent, O_RDONLY);
            try {
                files.fsyncDirectory(call, parent, directory.handle(), false);
            } finally {
                files.releaseDirectory(call, parent, directory.handle());
            }
            done = true;
            return length;
        } finally {
            files.release(call, inode, handle, 0, false);
            if (!done) {
                files.unlink(call, parent, temporary);
            }
        }
    }

    private long copy(ReadableByteChannel from, InodeId inode, long handle) throws IOException {
        ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
        long offset = 0;
        boolean end = false;
        while (!end) {
            block.clear();
            while (block.hasRemaining() && !end) {
                end = from.read(block) < 0;
            }
            block.flip();
            while (block.hasRemaining()) {
                offset += files.write(call, inode, handle, offset, block, O_WRONLY, false, false);
            }
        }
        return offset;
    }

    private InodeId makeDirectories(List<Name> components, String path) {
        InodeId at = InodeId.ROOT;
        for (Name name : components) {
            Attributes next = lookup(at, name);
            if (next == null) {
                next = makeDirectory(at, name);
            }
            if (next.type() != FileType.DIRECTORY) {
                throw new FsException(Errno.ENOTDIR, path + ": " + name + " is no directory");
            }
            at = next.inode();
        }
        return at;
    }

    private Attributes makeDirectory(InodeId parent, Name name) {
        try {
            return files.makeDirectory(call, parent, name, DIRECTORY_MODE).attributes();
        } catch (FsException e) {
            Attributes other = e.errno() == Errno.EEXIST ? lookup(parent, name) : null;
            if (other == null) {
                throw e;
            }
            return other;
        }
    }

    private Attributes resolve(List<Name> components, String path) {
        Attributes at = files.getAttributes(call, InodeId.ROOT).attributes();
        for (Name name : components) {
            Attributes next = at.isDirectory() ? lookup(at.inode(), name) : null;
            if (next == null) {
                throw new FsException(Errno.ENOENT, "no such file or directory: " + path);
            }
            at = next;
        }
        return at;
    }

    private @Nullable Attributes lookup(InodeId parent, Name name) {
        try {
            Entry entry = files.lookup(call, parent, name);
            return entry.attributes();
        } catch (FsException e) {
            if (e.errno() == Errno.ENOENT) {
                return null;
            }
            throw e;
        }
    }

    /** The names of a path from the root; a slash in front makes no difference. */
    static List<Name> components(String path) {
        var names = new ArrayList<Name>();
        for (String part : path.split("/")) {
            if (part.equals("..")) {
                throw new FsException(Errno.EINVAL, "no '..' in the path of a volume: " + path);
            }
            if (!part.isEmpty() && !part.equals(".")) {
                names.add(Name.of(part.getBytes(StandardCharsets.UTF_8)));
            }
        }
        return names;
    }
}
