package org.keelfs.client.vfs;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.MetadataSession.Submitted;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;

/**
 * A command on a directory that the server decides, from before it is sent until the caches know
 * its answer. What it changes is kept only under a lease, and answers that the server gave to
 * others meanwhile are not.
 */
final class DirectoryChange implements AutoCloseable {
    private final VfsContext vfs;
    private final InodeId inode;
    private final CachedDirectory directory;
    private final NamespaceWriter.Flux flux;
    private boolean settled;

    private DirectoryChange(VfsContext vfs, InodeId inode, NamespaceWriter.Flux flux) {
        this.vfs = vfs;
        this.inode = inode;
        this.directory = vfs.cache().directory(inode);
        this.flux = flux;
        directory.beginChange();
    }

    /** Begins one that changes other inodes too. */
    static DirectoryChange begin(VfsContext vfs, InodeId directory, InodeId... others) {
        List<InodeId> changing = new ArrayList<>(List.of(others));
        changing.add(directory);
        return new DirectoryChange(vfs, directory, vfs.names().flux(changing));
    }

    /** The result of the last command, its errno as an exception. */
    CommandResult submit(List<Command> commands) {
        Submitted submitted = vfs.names().submit(commands);
        settled = true;
        return MetadataSession.orThrow(submitted.results().get(commands.size() - 1));
    }

    /** The server has decided. */
    void settled() {
        settled = true;
    }

    void put(Name name, Child child) {
        if (vfs.leases().covers(inode, LeaseMode.READ)) {
            directory.put(name, child);
            if (directory.nextPosition() > 0) {
                directory.nextPosition(Math.max(directory.nextPosition(), child.position() + 1));
            }
        } else {
            directory.forget(name);
        }
    }

    void remove(Name name) {
        if (vfs.leases().covers(inode, LeaseMode.READ)) {
            directory.putAbsence(name);
        } else {
            directory.forget(name);
        }
    }

    void forget(Name name) {
        directory.forget(name);
    }

    @Override
    public void close() {
        directory.endChange();
        CachedDirectory now = vfs.cache().directoryIfPresent(inode);
        if (now != null && (now != directory || !settled)) {
            // It was recalled and read again meanwhile: what it learnt may be from before the
            // change. Or nobody knows whether the server has changed it.
            vfs.cache().forgetDirectory(inode);
        }
        flux.close();
    }
}
