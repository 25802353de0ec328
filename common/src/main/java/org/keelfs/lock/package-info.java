/**
 * Machines of file locks: flock(2), fcntl(2) and OFD locks between mounts, their waits, deadlocks
 * and delegation.
 */
@NullMarked
package org.keelfs.lock;

import org.jspecify.annotations.NullMarked;
