/** Decides which chunk is copied next. */
@NullMarked
package org.keelfs.metadata.heal;

import org.jspecify.annotations.NullMarked;
