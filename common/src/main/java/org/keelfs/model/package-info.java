/** Ids and values of the domain; ordering and arithmetic only. */
@CheckReturnValue
@NullMarked
package org.keelfs.model;

import com.google.errorprone.annotations.CheckReturnValue;
import org.jspecify.annotations.NullMarked;
