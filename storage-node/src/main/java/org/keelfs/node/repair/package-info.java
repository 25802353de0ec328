/** Scrubbing, and the drivers that bring replicas up to date. */
@NullMarked
package org.keelfs.node.repair;

import org.jspecify.annotations.NullMarked;
