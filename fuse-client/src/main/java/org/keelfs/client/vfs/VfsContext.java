package org.keelfs.client.vfs;

import org.keelfs.base.Clock;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.client.data.FileData;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.lease.Operations;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.NamespaceClient;
import org.keelfs.client.namespace.NamespaceWriter;

/** What the operations work with; made once by {@link Vfs}. */
record VfsContext(
        MetadataSession session,
        NamespaceClient namespace,
        Leases leases,
        Operations operations,
        NamespaceWriter names,
        MetadataCache cache,
        FileData data,
        FileStates files,
        Handles handles,
        Commands commands,
        Clock clock,
        AccessRule accessRule) {}
