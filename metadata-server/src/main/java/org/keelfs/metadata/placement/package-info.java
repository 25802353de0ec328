/** Chooses nodes for replicas; pure. */
@NullMarked
package org.keelfs.metadata.placement;

import org.jspecify.annotations.NullMarked;
