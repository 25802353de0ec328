package org.keelfs.client.vfs;

import org.keelfs.model.Attributes;

/** Whose reads a mount notes, as the mount options noatime and nodiratime have it. */
public enum AccessRule {
    ALL,
    NOT_OF_DIRECTORIES,
    NONE;

    boolean notes(Attributes attributes) {
        return this == ALL || (this == NOT_OF_DIRECTORIES && !attributes.isDirectory());
    }
}
