/** Quorum registers as pure machines: replica, rounds of sealing, writing and reading. */
@CheckReturnValue
@NullMarked
package org.keelfs.register;

import com.google.errorprone.annotations.CheckReturnValue;
import org.jspecify.annotations.NullMarked;
