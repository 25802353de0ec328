/** Calls over Netty: pools, deadlines, back-pressure, reconnection. */
@NullMarked
package org.keelfs.rpc;

import org.jspecify.annotations.NullMarked;
