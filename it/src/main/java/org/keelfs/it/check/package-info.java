/** Histories, sequential specifications and the linearizability checker. */
@NullMarked
package org.keelfs.it.check;

import org.jspecify.annotations.NullMarked;
