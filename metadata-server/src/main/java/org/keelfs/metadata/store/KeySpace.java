package org.keelfs.metadata.store;

import org.jspecify.annotations.Nullable;

/** Sorted bytes by family: RocksDB, a snapshot of it, or what a command changes on top. */
interface KeySpace {
    byte @Nullable [] get(Family family, byte[] key);

    /**
     * Visits keys from {@code from} on, as long as they have the prefix and the visitor wants more.
     */
    void scan(Family family, byte[] prefix, byte[] from, Visitor visitor);

    void put(Family family, byte[] key, byte[] value);

    void delete(Family family, byte[] key);

    /** Takes one pair; says whether it wants the next. */
    interface Visitor {
        boolean visit(byte[] key, byte[] value);
    }
}
