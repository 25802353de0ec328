/** File locks between mounts of real clusters. */
@NullMarked
package org.keelfs.it.lock;

import org.jspecify.annotations.NullMarked;
