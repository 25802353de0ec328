/** Sessions of mounts and their reply caches. */
@NullMarked
package org.keelfs.metadata.session;

import org.jspecify.annotations.NullMarked;
