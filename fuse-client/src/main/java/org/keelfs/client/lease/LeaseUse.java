package org.keelfs.client.lease;

import org.jspecify.annotations.Nullable;

/** Part in a lease, from getting it to {@link #close}: until then it is not returned. */
public interface LeaseUse extends AutoCloseable {
    /**
     * The lease, if it is SHARED: then nothing cached may be used, and every operation asks for its
     * lock. Null for any other.
     */
    default @Nullable SharedLease shared() {
        return null;
    }

    @Override
    void close();
}
