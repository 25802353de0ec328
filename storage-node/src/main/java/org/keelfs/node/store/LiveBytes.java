package org.keelfs.node.store;

/** Told which stored sectors in the log come into use and go out of it. */
@FunctionalInterface
public interface LiveBytes {
    /** Sectors at a place became live, or with a negative count dead. */
    void add(long place, int sectorCount);
}
