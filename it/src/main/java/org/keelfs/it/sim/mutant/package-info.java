/** Variants broken on purpose, which the checkers must catch. */
@NullMarked
package org.keelfs.it.sim.mutant;

import org.jspecify.annotations.NullMarked;
