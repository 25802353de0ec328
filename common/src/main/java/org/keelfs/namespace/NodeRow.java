package org.keelfs.namespace;

import org.keelfs.model.NodeId;

/**
 * A storage node as it last registered.
 *
 * @param id never reused
 * @param storeIdentity 16 random bytes made with its store; not to be changed
 * @param startCounter of its last start: one that goes back is a restored copy (R12)
 * @param name for people
 * @param host where it listens
 * @param port where it listens
 * @param rack failure domain for placement
 * @param replaced its store was lost or superseded: it does not vote any more
 */
public record NodeRow(
        NodeId id,
        byte[] storeIdentity,
        long startCounter,
        String name,
        String host,
        int port,
        String rack,
        boolean replaced) {}
