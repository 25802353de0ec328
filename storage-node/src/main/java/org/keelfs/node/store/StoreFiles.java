package org.keelfs.node.store;

import java.io.IOException;
import java.util.List;

/**
 * The store's directory: the one door to the disk, so that tests can put a failing disk behind it.
 * Names are relative, without a slash.
 */
public interface StoreFiles {
    /** Names of all files in the directory, unordered. */
    List<String> list() throws IOException;

    /** Opens a file for reading and writing; creates it when it is not there. */
    StoreFile open(String name) throws IOException;

    /** Opens a file that is only read; {@link java.nio.file.NoSuchFileException} without one. */
    StoreFile openToRead(String name) throws IOException;

    void delete(String name) throws IOException;

    /** Renames over whatever has the new name. */
    void rename(String from, String to) throws IOException;

    /** Makes creations, deletions and renames durable. */
    void forceDirectory() throws IOException;

    /** Bytes that can still be written, as the file system says. */
    long usableBytes() throws IOException;

    /** Size of the file system. */
    long totalBytes() throws IOException;

    /**
     * Gives the disk space of whole blocks inside the range back; the range reads as zeros. May do
     * nothing.
     */
    void punch(String name, long offset, long length) throws IOException;
}
