package org.keelfs.namespace;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;

/**
 * A file system as a graph of objects, written from the man pages without a look at the commands:
 * what they are compared with. No tables, no plans, no versions.
 */
final class PosixModel {
    static final class Node {
        final long id;
        final FileType type;
        int mode;
        int uid;
        int gid;
        int links;
        long size;
        long atime;
        long mtime;
        long ctime;
        int flags;
        String target = "";
        Node parent;
        boolean temporary;
        final Map<String, Node> children = new LinkedHashMap<>();
        final Map<String, String> xattrs = new TreeMap<>();
        final TreeSet<Long> pins = new TreeSet<>();

        Node(long id, FileType type) {
            this.id = id;
            this.type = type;
        }

        boolean isDirectory() {
            return type == FileType.DIRECTORY;
        }
    }

    final Map<Long, Node> nodes = new TreeMap<>();
    private long lastId;
    Caller caller = Caller.ROOT;
    long now;

    PosixModel(int rootMode, long now) {
        Node root = make(FileType.DIRECTORY, rootMode, now);
        root.links = 2;
        root.parent = root;
    }

    private Node make(FileType type, int mode, long time) {
        Node node = new Node(++lastId, type);
        node.mode = mode;
        node.uid = caller.uid();
        node.gid = caller.gid();
        node.atime = time;
        node.mtime = time;
        node.ctime = time;
        nodes.put(node.id, node);
        return node;
    }

    static FsException fail(Errno errno) {
        return new FsException(errno);
    }

    Node node(long id) {
        Node node = nodes.get(id);
        if (node == null) {
            throw fail(Errno.ESTALE);
        }
        return node;
    }

    private Node directory(long id) {
        Node node = node(id);
        if (!node.isDirectory()) {
            throw fail(Errno.ENOTDIR);
        }
        return node;
    }

    boolean can(Node node, char right) {
        int bit = right == 'r' ? 4 : right == 'w' ? 2 : 1;
        if (caller.uid() == 0) {
            return right != 'x' || node.isDirectory() || (node.mode & 0111) != 0;
        }
        if (caller.uid() == node.uid) {
            return (node.mode & bit << 6) != 0;
        }
        if (caller.isInGroup(node.gid)) {
            return (node.mode & bit << 3) != 0;
        }
        return (node.mode & bit) != 0;
    }

    private boolean owns(Node node) {
        return caller.uid() == 0 || caller.uid() == node.uid;
    }

    private boolean immutable(Node node) {
        return (node.flags & 0x10) != 0;
    }

    private boolean appendOnly(Node node) {
        return (node.flags & 0x20) != 0;
    }

    private void mustWriteDirectory(Node directory) {
        if (immutable(directory)) {
            throw fail(Errno.EPERM);
        }
        if (!can(directory, 'w') || !can(directory, 'x')) {
            throw fail(Errno.EACCES);
        }
    }

    private Node child(Node directory, String name) {
        if (!can(directory, 'x')) {
            throw fail(Errno.EACCES);
        }
        if (name.isEmpty()) {
            throw fail(Errno.ENOENT);
        }
        if (name.length() > 255) {
            throw fail(Errno.ENAMETOOLONG);
        }
        if (directory.links == 0) {
            throw fail(Errno.ENOENT);
        }
        return directory.children.get(name);
    }

    private void touchDirectory(Node directory) {
        directory.mtime = now;
        directory.ctime = now;
    }

    Node create(long parent, String name, FileType type, int mode, int umask, String target) {
        if (type == FileType.SYMLINK && target.isEmpty()) {
            throw fail(Errno.ENOENT);
        }
        Node directory = directory(parent);
        if (child(directory, name) != null) {
            throw fail(Errno.EEXIST);
        }
        mustWriteDirectory(directory);
        if (type == FileType.BLOCK_DEVICE && caller.uid() != 0) {
            throw fail(Errno.EPERM);
        }
        Node node = make(type, newMode(directory, type, mode, umask), now);
        if ((directory.mode & 02000) != 0) {
            node.gid = directory.gid;
        }
        node.links = 1;
        if (type == FileType.DIRECTORY) {
            node.links = 2;
            node.parent = directory;
            directory.links++;
        }
        if (type == FileType.SYMLINK) {
            node.target = target;
            node.size = target.length();
        }
        directory.children.put(name, node);
        touchDirectory(directory);
        return node;
    }

    private int newMode(Node directory, FileType type, int mode, int umask) {
        if (type == FileType.SYMLINK) {
            return 0777;
        }
        int bits = mode & 07777 & ~(umask & 0777);
        boolean inherits = (directory.mode & 02000) != 0;
        if (type == FileType.DIRECTORY) {
            bits &= 01777;
            return inherits ? bits | 02000 : bits;
        }
        boolean foreign = caller.uid() != 0 && !caller.isInGroup(directory.gid);
        // The test is on the mode before the umask: vfs_prepare_mode strips in that order.
        if (inherits && foreign && (mode & 02010) == 02010) {
            bits &= ~02000;
        }
        return bits;
    }

    Node createUnnamed(long parent, int mode, long session) {
        Node directory = directory(parent);
        if (directory.links == 0) {
            throw fail(Errno.ENOENT);
        }
        mustWriteDirectory(directory);
        Node node = make(FileType.REGULAR, newMode(directory, FileType.REGULAR, mode, 0), now);
        if ((directory.mode & 02000) != 0) {
            node.gid = directory.gid;
        }
        node.temporary = true;
        node.pins.add(session);
        return node;
    }

    void link(long inode, long parent, String name) {
        Node node = node(inode);
        Node directory = directory(parent);
        if (child(directory, name) != null) {
            throw fail(Errno.EEXIST);
        }
        mustWriteDirectory(directory);
        if (node.isDirectory() || immutable(node) || appendOnly(node)) {
            throw fail(Errno.EPERM);
        }
        if (node.links == 0 && !node.temporary) {
            throw fail(Errno.ENOENT);
        }
        node.temporary = false;
        node.links++;
        node.ctime = now;
        directory.children.put(name, node);
        touchDirectory(directory);
    }

    private void mayDelete(Node directory, Node victim, boolean wantsDirectory) {
        mustWriteDirectory(directory);
        boolean sticky = (directory.mode & 01000) != 0 && !owns(victim) && !owns(directory);
        if (appendOnly(directory) || sticky || appendOnly(victim) || immutable(victim)) {
            throw fail(Errno.EPERM);
        }
        if (wantsDirectory && !victim.isDirectory()) {
            throw fail(Errno.ENOTDIR);
        }
        if (!wantsDirectory && victim.isDirectory()) {
            throw fail(Errno.EISDIR);
        }
    }

    void unlink(long parent, String name, boolean rmdir) {
        Node directory = directory(parent);
        Node victim = child(directory, name);
        if (victim == null) {
            throw fail(Errno.ENOENT);
        }
        mayDelete(directory, victim, rmdir);
        if (rmdir && !victim.children.isEmpty()) {
            throw fail(Errno.ENOTEMPTY);
        }
        directory.children.remove(name);
        touchDirectory(directory);
        if (rmdir) {
            directory.links--;
        }
        drop(victim);
    }

    private void drop(Node victim) {
        victim.links = victim.isDirectory() ? 0 : victim.links - 1;
        victim.ctime = now;
        forgetIfUnused(victim);
    }

    private void forgetIfUnused(Node node) {
        if (node.links == 0 && node.pins.isEmpty()) {
            nodes.remove(node.id);
        }
    }

    private boolean isBelow(Node node, Node ancestor) {
        Node at = node;
        while (at != ancestor) {
            if (at.parent == at || !nodes.containsKey(at.parent.id)) {
                return false;
            }
            at = at.parent;
        }
        return true;
    }

    void rename(long from, String oldName, long to, String newName, int flags) {
        if (flags < 0 || flags > 2) {
            throw fail(Errno.EINVAL);
        }
        boolean exchange = flags == 2;
        Node source = directory(from);
        Node sink = directory(to);
        Node moved = child(source, oldName);
        if (moved == null) {
            throw fail(Errno.ENOENT);
        }
        Node target = child(sink, newName);
        if (target != null && flags == 1) {
            throw fail(Errno.EEXIST);
        }
        if (target == null && exchange) {
            throw fail(Errno.ENOENT);
        }
        if (source != sink && moved.isDirectory() && isBelow(sink, moved)) {
            throw fail(Errno.EINVAL);
        }
        if (source != sink && target != null && target.isDirectory() && isBelow(source, target)) {
            throw fail(exchange ? Errno.EINVAL : Errno.ENOTEMPTY);
        }
        if (moved == target) {
            return;
        }
        mayDelete(source, moved, moved.isDirectory());
        if (target == null) {
            mustWriteDirectory(sink);
        } else {
            mayDelete(sink, target, exchange ? target.isDirectory() : moved.isDirectory());
        }
        if (source != sink) {
            mayReparent(moved);
            if (exchange) {
                mayReparent(target);
            }
        }
        if (!exchange && target != null && !target.children.isEmpty()) {
            throw fail(Errno.ENOTEMPTY);
        }
        touchDirectory(source);
        touchDirectory(sink);
        moved.ctime = now;
        source.children.remove(oldName);
        if (moved.isDirectory()) {
            source.links--;
            sink.links++;
            moved.parent = sink;
        }
        if (target != null && target.isDirectory()) {
            sink.links--;
        }
        sink.children.put(newName, moved);
        if (exchange) {
            target.ctime = now;
            source.children.put(oldName, target);
            if (target.isDirectory()) {
                source.links++;
                target.parent = source;
            }
        } else if (target != null) {
            drop(target);
        }
    }

    private void mayReparent(Node node) {
        if (node.isDirectory() && !can(node, 'w')) {
            throw fail(Errno.EACCES);
        }
    }

    private void mustNotBeProtected(Node node) {
        if (immutable(node) || appendOnly(node)) {
            throw fail(Errno.EPERM);
        }
    }

    void chmod(long inode, int mode) {
        Node node = node(inode);
        mustNotBeProtected(node);
        if (node.type == FileType.SYMLINK) {
            // Only the owner gets as far as to be told that there is no such thing.
            throw fail(Errno.EOPNOTSUPP);
        }
        if (!owns(node)) {
            throw fail(Errno.EPERM);
        }
        boolean foreign = caller.uid() != 0 && !caller.isInGroup(node.gid);
        node.mode = mode & (foreign ? 05777 : 07777);
        node.ctime = now;
    }

    void chown(long inode, int uid, int gid) {
        Node node = node(inode);
        mustNotBeProtected(node);
        if (caller.uid() != 0) {
            boolean allowed =
                    caller.uid() == node.uid
                            && (uid < 0 || uid == node.uid)
                            && (gid < 0 || gid == node.gid || caller.isInGroup(gid));
            if (!allowed) {
                throw fail(Errno.EPERM);
            }
        }
        if (!node.isDirectory()) {
            boolean foreign = caller.uid() != 0 && !caller.isInGroup(node.gid);
            if ((node.mode & 0010) != 0 || foreign) {
                node.mode &= ~02000;
            }
            node.mode &= ~04000;
        }
        node.uid = uid < 0 ? node.uid : uid;
        node.gid = gid < 0 ? node.gid : gid;
        node.ctime = now;
    }

    void truncate(long inode, long size) {
        Node node = node(inode);
        if (node.isDirectory()) {
            throw fail(Errno.EISDIR);
        }
        if (node.type != FileType.REGULAR) {
            throw fail(Errno.EINVAL);
        }
        if (immutable(node)) {
            throw fail(Errno.EPERM);
        }
        if (!can(node, 'w')) {
            throw fail(Errno.EACCES);
        }
        if (appendOnly(node)) {
            throw fail(Errno.EPERM);
        }
        node.size = size;
        node.mtime = now;
        node.ctime = now;
    }

    void utimes(long inode, long atime, long mtime) {
        Node node = node(inode);
        mustNotBeProtected(node);
        if (!owns(node)) {
            throw fail(Errno.EPERM);
        }
        node.atime = atime;
        node.mtime = mtime;
        node.ctime = now;
    }

    void touch(long inode) {
        Node node = node(inode);
        if (immutable(node)) {
            throw fail(Errno.EPERM);
        }
        if (!owns(node) && !can(node, 'w')) {
            throw fail(Errno.EACCES);
        }
        node.atime = now;
        node.mtime = now;
        node.ctime = now;
    }

    void setFlags(long inode, int flags) {
        Node node = node(inode);
        boolean allowed = caller.uid() == 0 || (owns(node) && flags == node.flags);
        if (!allowed) {
            throw fail(Errno.EPERM);
        }
        node.flags = flags;
        node.ctime = now;
    }

    void setXattr(long inode, String name, String value, int flags) {
        Node node = node(inode);
        mayChangeXattr(node, name);
        boolean exists = node.xattrs.containsKey(name);
        if (flags == 1 && exists) {
            throw fail(Errno.EEXIST);
        }
        if (flags == 2 && !exists) {
            throw fail(Errno.ENODATA);
        }
        node.xattrs.put(name, value);
        node.ctime = now;
    }

    void removeXattr(long inode, String name) {
        Node node = node(inode);
        mayChangeXattr(node, name);
        if (node.xattrs.remove(name) == null) {
            throw fail(Errno.ENODATA);
        }
        node.ctime = now;
    }

    private void mayChangeXattr(Node node, String name) {
        if (!name.startsWith("user.") && !name.startsWith("trusted.")) {
            throw fail(Errno.EOPNOTSUPP);
        }
        mustNotBeProtected(node);
        if (name.startsWith("trusted.")) {
            if (caller.uid() != 0) {
                throw fail(Errno.EPERM);
            }
            return;
        }
        boolean takes = node.isDirectory() || node.type == FileType.REGULAR;
        boolean sticky = node.isDirectory() && (node.mode & 01000) != 0 && !owns(node);
        if (!takes || sticky) {
            throw fail(Errno.EPERM);
        }
        if (!can(node, 'w')) {
            throw fail(Errno.EACCES);
        }
    }

    void pin(long inode, long session) {
        node(inode).pins.add(session);
    }

    void unpin(long inode, long session) {
        Node node = nodes.get(inode);
        if (node != null && node.pins.remove(session)) {
            forgetIfUnused(node);
        }
    }

    void endSession(long session) {
        for (Node node : List.copyOf(nodes.values())) {
            unpin(node.id, session);
        }
    }

    /** One line per inode, all that can be seen. */
    List<String> picture() {
        List<String> lines = new ArrayList<>();
        for (Node n : nodes.values()) {
            var entries = new TreeMap<String, Long>();
            n.children.forEach((name, c) -> entries.put(name, c.id));
            lines.add(
                    line(
                            n.id, n.type, n.mode, n.uid, n.gid, n.links, n.size, n.atime, n.mtime,
                            n.ctime, n.flags, n.target, entries, n.xattrs));
        }
        return lines;
    }

    static String line(
            long id,
            FileType type,
            int mode,
            int uid,
            int gid,
            int links,
            long size,
            long atime,
            long mtime,
            long ctime,
            int flags,
            String target,
            Map<String, Long> entries,
            Map<String, String> xattrs) {
        return String.join(
                " ",
                "i" + id,
                type.name(),
                Integer.toOctalString(mode),
                uid + ":" + gid,
                "links=" + links,
                "size=" + (type == FileType.DIRECTORY ? 0 : size),
                "times=" + atime + "," + mtime + "," + ctime,
                "flags=" + flags,
                "'" + target + "'",
                entries.toString(),
                xattrs.toString());
    }
}
