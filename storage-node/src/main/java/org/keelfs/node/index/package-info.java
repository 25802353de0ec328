/** Index of sectors; the only user of RocksDB in this module. */
@NullMarked
package org.keelfs.node.index;

import org.jspecify.annotations.NullMarked;
