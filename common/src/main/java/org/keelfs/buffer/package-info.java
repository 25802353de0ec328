/** Byte-budgeted off-heap pool with reference counts and leak reports. */
@NullMarked
package org.keelfs.buffer;

import org.jspecify.annotations.NullMarked;
