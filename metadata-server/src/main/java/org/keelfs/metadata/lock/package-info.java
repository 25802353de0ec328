/** Driver of the lock table. */
@NullMarked
package org.keelfs.metadata.lock;

import org.jspecify.annotations.NullMarked;
