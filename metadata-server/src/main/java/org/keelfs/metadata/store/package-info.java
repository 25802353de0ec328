/** The tables of the namespace on RocksDB. */
@NullMarked
package org.keelfs.metadata.store;

import org.jspecify.annotations.NullMarked;
