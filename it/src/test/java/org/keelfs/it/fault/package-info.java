/** Kills, partitions and damaged disks on a real cluster. */
@NullMarked
package org.keelfs.it.fault;

import org.jspecify.annotations.NullMarked;
