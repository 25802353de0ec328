package org.keelfs.namespace;

import org.keelfs.model.InodeId;

/**
 * A volume.
 *
 * @param id from 1, never reused
 * @param name unique in the cluster
 * @param chunkBytes 1 to 64 MiB, a power of two
 * @param replicas nodes that hold each chunk
 * @param keyring its master key, encrypted under the volume's password; not to be changed
 * @param root its root directory
 */
public record VolumeRow(
        int id, String name, int chunkBytes, int replicas, byte[] keyring, InodeId root) {}
