/** Checks of the code itself: who imports whom, and tidiness. */
@NullMarked
package org.keelfs.it.arch;

import org.jspecify.annotations.NullMarked;
