/** Conformance of a mount, compared with a local directory. */
@NullMarked
package org.keelfs.it.posix;

import org.jspecify.annotations.NullMarked;
