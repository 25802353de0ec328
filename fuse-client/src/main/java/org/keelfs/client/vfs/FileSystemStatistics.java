package org.keelfs.client.vfs;

/** What statfs(2) shows; blocks are of 4096 bytes. */
public record FileSystemStatistics(
        long blocks, long blocksFree, long inodes, long inodesFree, int nameBytesMax) {}
