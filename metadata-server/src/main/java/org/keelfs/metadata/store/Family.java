package org.keelfs.metadata.store;

import java.nio.charset.StandardCharsets;

/** Column families; their keys are in {@link Keys}. A new one goes to the end. */
enum Family {
    INODE,
    ENTRY,
    POSITION,
    XATTR,
    MAP,
    CHUNK,
    GARBAGE,
    PIN,
    SESSION,
    REPLY,
    CLUSTER;

    byte[] columnFamilyName() {
        return name().toLowerCase(java.util.Locale.ROOT).getBytes(StandardCharsets.US_ASCII);
    }
}
