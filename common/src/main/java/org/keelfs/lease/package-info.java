/** Lease machines: the table of the server, the holder of the client. */
@CheckReturnValue
@NullMarked
package org.keelfs.lease;

import com.google.errorprone.annotations.CheckReturnValue;
import org.jspecify.annotations.NullMarked;
