/** POSIX operations on inodes, handles and locks; no FUSE type, no RPC type. */
@NullMarked
package org.keelfs.client.vfs;

import org.jspecify.annotations.NullMarked;
