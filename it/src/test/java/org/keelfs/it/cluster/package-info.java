/** The contract of the scripts and the command line, on real processes and mounts. */
@NullMarked
package org.keelfs.it.cluster;

import org.jspecify.annotations.NullMarked;
