package org.keelfs.it.bench;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.Call;
import org.keelfs.it.bench.MemoryNode.DirEntry;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** Inodes and names of {@link MemoryFileSystem}. Changes under one lock, lookups without. */
final class MemoryTree {
    private static final int RENAME_NOREPLACE = 1;
    private static final int RENAME_EXCHANGE = 2;
    private static final int LINKS_MAX = 65_000;

    /** Of all inodes that are not dropped. */
    final AtomicLong bytesUsed = new AtomicLong();

    private final Object namespace = new Object();
    private final ConcurrentHashMap<Long, MemoryNode> nodes = new ConcurrentHashMap<>();
    private final AtomicLong nextInode = new AtomicLong(InodeId.ROOT.value());

    MemoryTree() {
        MemoryNode root = newNode(FileType.DIRECTORY, 0755, 0, 0);
        root.parent = root;
    }

    private MemoryNode newNode(FileType type, int mode, int uid, int gid) {
        var node = new MemoryNode(new InodeId(nextInode.getAndIncrement()), type, mode, uid, gid);
        nodes.put(node.id.value(), node);
        return node;
    }

    int size() {
        return nodes.size();
    }

    @Nullable MemoryNode maybe(InodeId id) {
        return nodes.get(id.value());
    }

    MemoryNode node(InodeId id) {
        MemoryNode node = nodes.get(id.value());
        if (node == null) {
            throw new FsException(Errno.ESTALE);
        }
        return node;
    }

    MemoryNode directory(InodeId id) {
        MemoryNode node = node(id);
        if (node.type != FileType.DIRECTORY) {
            throw new FsException(Errno.ENOTDIR);
        }
        return node;
    }

    static DirEntry existing(MemoryNode dir, Name name) {
        DirEntry entry = dir.byName.get(name);
        if (entry == null) {
            throw new FsException(Errno.ENOENT);
        }
        return entry;
    }

    /** When neither a name nor the kernel refers to it. */
    void dropIfUnused(MemoryNode node) {
        synchronized (node) {
            if (node.links == 0 && node.lookups == 0 && node.opens == 0) {
                nodes.remove(node.id.value());
                bytesUsed.addAndGet(-node.attributes().allocatedSectors() * MemoryNode.SECTOR);
            }
        }
    }

    MemoryNode make(
            Call call,
            InodeId parent,
            Name name,
            FileType type,
            int mode,
            int rdev,
            byte[] target) {
        synchronized (namespace) {
            MemoryNode dir = directory(parent);
            if (dir.byName.containsKey(name)) {
                throw new FsException(Errno.EEXIST);
            }
            if (dir.links == 0) {
                throw new FsException(Errno.ENOENT);
            }
            MemoryNode node = unnamed(call, dir, type, mode);
            node.rdev = rdev;
            node.target = target;
            if (type == FileType.DIRECTORY) {
                node.parent = dir;
                dir.links++;
            }
            enter(dir, name, node);
            return node;
        }
    }

    /** With what a creating call takes from the directory and the caller. */
    MemoryNode unnamed(Call call, MemoryNode dir, FileType type, int mode) {
        boolean inherits = (dir.mode & 02000) != 0;
        int masked = type == FileType.SYMLINK ? mode : mode & ~call.umask();
        if (inherits && type == FileType.DIRECTORY) {
            masked |= 02000;
        }
        int gid = inherits ? dir.gid : call.caller().gid();
        return newNode(type, masked, call.caller().uid(), gid);
    }

    private static void enter(MemoryNode dir, Name name, MemoryNode node) {
        var entry = new DirEntry(name, node, dir.nextPosition++);
        dir.byPosition.put(entry.position(), entry);
        dir.byName.put(name, entry);
        dir.touch(true);
    }

    private static void remove(MemoryNode dir, DirEntry entry) {
        dir.byName.remove(entry.name());
        dir.byPosition.remove(entry.position());
        dir.touch(true);
    }

    MemoryNode link(InodeId inode, InodeId newParent, Name newName) {
        synchronized (namespace) {
            MemoryNode node = node(inode);
            MemoryNode dir = directory(newParent);
            if (dir.byName.containsKey(newName)) {
                throw new FsException(Errno.EEXIST);
            }
            synchronized (node) {
                if (node.links >= LINKS_MAX) {
                    throw new FsException(Errno.EMLINK);
                }
                node.links++;
                node.touch(false);
            }
            enter(dir, newName, node);
            return node;
        }
    }

    void unlink(InodeId parent, Name name, boolean directory) {
        synchronized (namespace) {
            MemoryNode dir = directory(parent);
            DirEntry entry = existing(dir, name);
            MemoryNode node = entry.node();
            if ((node.type == FileType.DIRECTORY) != directory) {
                throw new FsException(directory ? Errno.ENOTDIR : Errno.EISDIR);
            }
            if (directory && !node.byName.isEmpty()) {
                throw new FsException(Errno.ENOTEMPTY);
            }
            remove(dir, entry);
            unlinked(dir, node);
        }
    }

    /** One name of the node is gone. */
    private void unlinked(MemoryNode dir, MemoryNode node) {
        synchronized (node) {
            if (node.type == FileType.DIRECTORY) {
                node.links = 0;
                dir.links--;
            } else {
                node.links--;
            }
            node.touch(false);
            dropIfUnused(node);
        }
    }

    void rename(InodeId oldParent, Name oldName, InodeId newParent, Name newName, int flags) {
        synchronized (namespace) {
            MemoryNode from = directory(oldParent);
            MemoryNode to = directory(newParent);
            DirEntry moved = existing(from, oldName);
            DirEntry replaced = to.byName.get(newName);
            if (flags == RENAME_EXCHANGE) {
                exchange(from, moved, to, existing(to, newName));
                return;
            }
            if (replaced != null) {
                if (flags == RENAME_NOREPLACE) {
                    throw new FsException(Errno.EEXIST);
                }
                if (replaced.node() == moved.node()) {
                    return;
                }
                checkReplaceable(moved.node(), replaced.node());
            }
            // The new name goes from one inode to the other at once: a lookup always finds it.
            enter(to, newName, moved.node());
            remove(from, moved);
            adopt(from, to, moved.node());
            if (replaced != null) {
                to.byPosition.remove(replaced.position());
                unlinked(to, replaced.node());
            }
        }
    }

    private static void checkReplaceable(MemoryNode by, MemoryNode replaced) {
        if (replaced.type == FileType.DIRECTORY) {
            if (by.type != FileType.DIRECTORY) {
                throw new FsException(Errno.EISDIR);
            }
            if (!replaced.byName.isEmpty()) {
                throw new FsException(Errno.ENOTEMPTY);
            }
        } else if (by.type == FileType.DIRECTORY) {
            throw new FsException(Errno.ENOTDIR);
        }
    }

    private static void exchange(MemoryNode from, DirEntry a, MemoryNode to, DirEntry b) {
        from.byPosition.remove(a.position());
        to.byPosition.remove(b.position());
        enter(from, a.name(), b.node());
        enter(to, b.name(), a.node());
        adopt(from, to, a.node());
        adopt(to, from, b.node());
    }

    private static void adopt(MemoryNode from, MemoryNode to, MemoryNode node) {
        node.touch(false);
        if (node.type == FileType.DIRECTORY && from != to) {
            node.parent = to;
            from.links--;
            to.links++;
        }
    }
}
