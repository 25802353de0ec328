package org.keelfs.namespace;

import org.keelfs.model.Caller;
import org.keelfs.model.SessionId;

/**
 * Where a command comes from.
 *
 * @param session the mount
 * @param volume the volume it mounts: inodes of others do not exist for it
 * @param caller the user
 * @param timeNs the client's wall clock, nanoseconds since 1970: all times of the namespace come
 *     from here
 */
public record Origin(SessionId session, int volume, Caller caller, long timeNs) {}
