/** Histories of programs on several mounts, and whether they are linearizable. */
@NullMarked
package org.keelfs.it.history;

import org.jspecify.annotations.NullMarked;
