/** Driver of the lease table. */
@NullMarked
package org.keelfs.metadata.lease;

import org.jspecify.annotations.NullMarked;
