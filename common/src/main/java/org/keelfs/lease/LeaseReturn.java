package org.keelfs.lease;

/**
 * How a session gives a lease back.
 *
 * @param generation of the grant
 * @param keep READ to go on as a reader, else NONE
 * @param shareable the session has no handle that the kernel caches: it could do with SHARED
 * @param inDoubt something written may or may not be there
 */
public record LeaseReturn(long generation, LeaseMode keep, boolean shareable, boolean inDoubt) {}
