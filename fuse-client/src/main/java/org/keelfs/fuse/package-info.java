/** What all adapters of the file system to a kernel have in common. */
@NullMarked
package org.keelfs.fuse;

import org.jspecify.annotations.NullMarked;
