/** Driver of the lease holder, with the port to the kernel cache. */
@NullMarked
package org.keelfs.client.lease;

import org.jspecify.annotations.NullMarked;
