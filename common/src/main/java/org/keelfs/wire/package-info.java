/** Frames and codecs: the only place where bytes and messages meet. */
@NullMarked
package org.keelfs.wire;

import org.jspecify.annotations.NullMarked;
