/** Real processes and mounts, started and stopped for a test. */
@NullMarked
package org.keelfs.it.cluster;

import org.jspecify.annotations.NullMarked;
