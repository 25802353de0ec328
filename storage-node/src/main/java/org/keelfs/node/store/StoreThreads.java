package org.keelfs.node.store;

/** Where the store's loops get their threads: the composition root starts them. */
@FunctionalInterface
public interface StoreThreads {
    /** Runs a loop on a thread of its own with this name; it does not keep the process alive. */
    void start(String name, Runnable loop);
}
