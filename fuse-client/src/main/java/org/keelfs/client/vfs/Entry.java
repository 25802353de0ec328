package org.keelfs.client.vfs;

import org.keelfs.model.Attributes;

/**
 * What a lookup or a creating call tells the kernel.
 *
 * @param attributes of the inode; its number is the nodeid
 * @param entryValidNs how long the kernel may keep the name, from now; 0 not at all
 * @param attributesValidNs how long the kernel may keep the attributes, from now
 */
public record Entry(Attributes attributes, long entryValidNs, long attributesValidNs) {}
