/** Log-structured sector store: group commit, recovery, compaction; knows no network. */
@NullMarked
package org.keelfs.node.store;

import org.jspecify.annotations.NullMarked;
