package org.keelfs.config;

import java.nio.file.Path;

/**
 * A server process that the command line can start. Implementations are found by {@link
 * java.util.ServiceLoader}, so that the command line needs no other module at compile time; each
 * has a public constructor without parameters that does nothing.
 */
public interface Daemon {
    /** The command that starts it, for example {@code storage-node}. */
    String name();

    /** The record of its settings, for {@code keelfs config describe}. */
    Class<? extends Record> settings();

    /**
     * Runs until it is stopped by a signal or by an error it cannot survive; the calling thread
     * waits here.
     *
     * @param config configuration file of this process
     * @return exit code of the process; 0 after an orderly stop
     * @throws Exception whose message is the one line shown to the person who started it
     */
    int run(Path config) throws Exception;
}
