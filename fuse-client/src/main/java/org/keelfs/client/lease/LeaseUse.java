package org.keelfs.client.lease;

/** Part in a lease, from getting it to {@link #close}: until then it is not returned. */
public interface LeaseUse extends AutoCloseable {
    @Override
    void close();
}
