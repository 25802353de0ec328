/** Adapter of the kernel protocol: converts requests and replies, nothing else. */
@NullMarked
package org.keelfs.fuse.kernel;

import org.jspecify.annotations.NullMarked;
