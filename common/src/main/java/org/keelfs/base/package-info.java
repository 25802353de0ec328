/** Errors, invariants, byte and bit helpers; knows no word of the domain. */
@NullMarked
package org.keelfs.base;

import org.jspecify.annotations.NullMarked;
