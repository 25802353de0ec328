/** Adapter of jnr-fuse: converts requests and replies, nothing else. */
@NullMarked
package org.keelfs.fuse.jnr;

import org.jspecify.annotations.NullMarked;
