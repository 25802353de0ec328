/** Machines that change a replica set and that bring a replica up to date. */
@CheckReturnValue
@NullMarked
package org.keelfs.replicaset;

import com.google.errorprone.annotations.CheckReturnValue;
import org.jspecify.annotations.NullMarked;
