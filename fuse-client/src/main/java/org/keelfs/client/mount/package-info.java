/** Composition root of a mount. */
@NullMarked
package org.keelfs.client.mount;

import org.jspecify.annotations.NullMarked;
