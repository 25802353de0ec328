/** File locks of a mount: granted here where delegated, else at the metadata server. */
@NullMarked
package org.keelfs.client.lock;

import org.jspecify.annotations.NullMarked;
