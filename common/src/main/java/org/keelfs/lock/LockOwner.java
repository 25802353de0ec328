package org.keelfs.lock;

import org.keelfs.model.SessionId;

/**
 * Whom a lock belongs to: a process or an open file description on one mount.
 *
 * @param session of the mount
 * @param kind kind of its locks
 * @param number the kernel's number for it: 64 bits without a meaning
 */
public record LockOwner(SessionId session, LockKind kind, long number) {}
