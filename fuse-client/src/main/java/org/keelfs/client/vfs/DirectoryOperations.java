package org.keelfs.client.vfs;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.cache.CachedDirectory.Listed;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Attributes;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.wire.proto.MetadataProto.DirectoryEntry;
import org.keelfs.wire.proto.MetadataProto.ReadDirectoryReply;

/**
 * Listings. A cookie is the entry's position, which is never reused, shifted past those of "." and
 * "..": so a stream stays right while entries come and go, and cookies survive re-opening.
 */
final class DirectoryOperations {
    private static final Name DOT = Name.of(".");
    private static final Name DOT_DOT = Name.of("..");

    /** Cookies 1 and 2 stand behind "." and "..". */
    private static final int COOKIE_SHIFT = 2;

    /**
     * Entries asked for at once: about 100 KiB with attributes, less than a millisecond of the
     * server.
     */
    private static final int PAGE_ENTRIES = 512;

    /** Pages read to take a directory over; of a larger one names are learnt one by one. */
    private static final int LOAD_PAGES_MAX = 8;

    private final VfsContext vfs;
    private final InodeReader reader;
    private final FileOperations files;

    DirectoryOperations(VfsContext vfs, InodeReader reader, FileOperations files) {
        this.vfs = vfs;
        this.reader = reader;
        this.files = files;
    }

    Opened open(Call call, InodeId inode) {
        if (!reader.attributes(call, inode).isDirectory()) {
            throw new FsException(Errno.ENOTDIR);
        }
        return new Opened(files.openDirectory(call, inode), false, false, false);
    }

    void read(
            Call call, InodeId inode, long handle, long cookie, boolean plus, DirectorySink sink) {
        if (cookie < 1 && !sink.add(DOT, inode, FileType.DIRECTORY, 1, null)) {
            return;
        }
        if (cookie < COOKIE_SHIFT
                && !sink.add(DOT_DOT, inode, FileType.DIRECTORY, COOKIE_SHIFT, null)) {
            return;
        }
        long position = Math.max(0, cookie - COOKIE_SHIFT);
        while (true) {
            Listed next = cachedAfter(inode, position);
            if (next == null && !isCachedComplete(inode)) {
                DirectoryPage page = page(call, inode, handle, position, plus);
                next = firstAfter(page, position);
            }
            if (next == null || !add(inode, next, plus, sink)) {
                return;
            }
            position = next.child().position();
        }
    }

    private boolean isCachedComplete(InodeId inode) {
        CachedDirectory cached = complete(inode);
        return cached != null;
    }

    private @Nullable CachedDirectory complete(InodeId inode) {
        if (!vfs.leases().covers(inode, LeaseMode.READ)) {
            return null;
        }
        CachedDirectory cached = vfs.cache().directoryIfPresent(inode);
        return cached != null && cached.isComplete() ? cached : null;
    }

    private @Nullable Listed cachedAfter(InodeId inode, long position) {
        CachedDirectory cached = complete(inode);
        return cached == null ? null : cached.after(position);
    }

    private static @Nullable Listed firstAfter(DirectoryPage page, long position) {
        List<Listed> entries = page.entries();
        int from = 0;
        int to = entries.size();
        while (from < to) {
            int middle = (from + to) >>> 1;
            if (entries.get(middle).child().position() > position) {
                to = middle;
            } else {
                from = middle + 1;
            }
        }
        return from < entries.size() ? entries.get(from) : null;
    }

    /**
     * Adds one entry. Its attributes go along only while the name is known under the directory's
     * lease: a page read earlier may show a name that is gone, and the kernel must not learn that
     * as present.
     */
    private boolean add(InodeId directory, Listed listed, boolean plus, DirectorySink sink) {
        Child child = listed.child();
        Entry entry = plus ? knownEntry(directory, listed) : null;
        return sink.add(
                listed.name(), child.inode(), child.type(), child.position() + COOKIE_SHIFT, entry);
    }

    private @Nullable Entry knownEntry(InodeId directory, Listed listed) {
        if (!vfs.leases().covers(directory, LeaseMode.READ)) {
            return null;
        }
        CachedDirectory cached = vfs.cache().directoryIfPresent(directory);
        Child known = cached == null ? null : cached.find(listed.name());
        if (known == null || !known.inode().equals(listed.child().inode())) {
            return null;
        }
        CachedInode inode = reader.cached(known.inode());
        if (inode == null) {
            return null;
        }
        Attributes attributes = reader.overlay(inode.attributes());
        return new Entry(attributes, vfs.leases().remainingNs(), reader.validNs(attributes));
    }

    // ---- pages from the server ----

    private DirectoryPage page(Call call, InodeId inode, long handle, long position, boolean plus) {
        DirectoryPage kept = vfs.handles().page(handle);
        if (kept != null && kept.covers(position)) {
            return kept;
        }
        call.beforeWait();
        boolean follows = kept != null && kept.ticket() >= 0 && kept.endsAt() == position;
        DirectoryPage page =
                fetch(inode, position, plus, follows && kept != null ? kept.ticket() : -1);
        vfs.handles().keepPage(handle, page);
        return page;
    }

    private DirectoryPage fetch(InodeId inode, long position, boolean plus, long runningTicket) {
        CachedDirectory cached = vfs.cache().directory(inode);
        long ticket = position == 0 ? cached.ticket() : runningTicket;
        long answerTicket = cached.ticket();
        ReadDirectoryReply reply =
                vfs.namespace().readDirectory(inode, position, PAGE_ENTRIES, plus);
        if (reply.getErrno() != 0) {
            Errno errno = Errno.of(reply.getErrno());
            throw new FsException(errno == Errno.ENOENT ? Errno.ESTALE : errno);
        }
        List<Listed> entries = new ArrayList<>(reply.getEntriesCount());
        for (DirectoryEntry e : reply.getEntriesList()) {
            entries.add(listed(e));
        }
        vfs.leases()
                .onGrant(
                        reply.getLease(),
                        () -> {
                            entries.forEach(l -> cached.learn(answerTicket, l.name(), l.child()));
                            if (reply.getParent() != 0) {
                                cached.learnParent(new InodeId(reply.getParent()));
                            }
                            cached.learnNextPosition(answerTicket, reply.getNextPosition());
                            if (reply.getEnd()) {
                                cached.learnComplete(ticket);
                            }
                        });
        reply.getEntriesList().forEach(this::learnInode);
        return new DirectoryPage(position, entries, reply.getEnd(), ticket);
    }

    /** Reads all names of a directory of ordinary size into the cache, of a large one some. */
    void load(InodeId inode) {
        CachedDirectory cached = vfs.cache().directoryIfPresent(inode);
        boolean known = cached != null && cached.isComplete() && cached.nextPosition() > 0;
        DirectoryPage page = null;
        for (int pages = 0; !known && pages < LOAD_PAGES_MAX; pages++) {
            page =
                    fetch(
                            inode,
                            page == null ? 0 : page.endsAt(),
                            false,
                            page == null ? -1 : page.ticket());
            known = page.end();
        }
    }

    private void learnInode(DirectoryEntry e) {
        if (e.hasAttributes() && e.hasLease()) {
            reader.learn(
                    e.getLease(),
                    InodeReader.decode(
                            e.getAttributes(),
                            e.getXattrsList(),
                            e.getXattrsComplete(),
                            e.getSymlinkTarget()));
        }
    }

    private static Listed listed(DirectoryEntry e) {
        return new Listed(
                Name.of(e.getName().toByteArray()),
                new Child(
                        new InodeId(e.getInode()), FileType.ofMode(e.getType()), e.getPosition()));
    }
}
