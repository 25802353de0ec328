/** Write buffer, flusher, read-ahead, and the arithmetic of ranges. */
@NullMarked
package org.keelfs.client.data;

import org.jspecify.annotations.NullMarked;
