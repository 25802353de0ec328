package org.keelfs.client.vfs;

/**
 * An open handle.
 *
 * @param handle number that later calls name
 * @param keepCache the kernel's cached pages of the file are still good (FOPEN_KEEP_CACHE); of a
 *     directory its listing may be cached (FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE)
 * @param directIo the kernel must not cache this handle's data (FOPEN_DIRECT_IO)
 * @param parallelDirectWrites FOPEN_PARALLEL_DIRECT_WRITES
 */
public record Opened(
        long handle, boolean keepCache, boolean directIo, boolean parallelDirectWrites) {
    /** The same, with what the kernel has of the file forgotten. */
    public Opened withoutCache() {
        return new Opened(handle, false, directIo, parallelDirectWrites);
    }
}
