/** Frees the chunks of deleted files. */
@NullMarked
package org.keelfs.metadata.gc;

import org.jspecify.annotations.NullMarked;
