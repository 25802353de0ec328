/** Struct layouts of the kernel protocol. */
@NullMarked
package org.keelfs.fuse.kernel.protocol;

import org.jspecify.annotations.NullMarked;
