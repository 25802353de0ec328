package org.keelfs.namespace;

import org.keelfs.model.Caller;

/**
 * A command as a client issued it.
 *
 * @param caller the user
 * @param timeNs the client's wall clock, nanoseconds since 1970
 * @param command what to do
 */
public record IssuedCommand(Caller caller, long timeNs, NamespaceCommand<?> command) {}
