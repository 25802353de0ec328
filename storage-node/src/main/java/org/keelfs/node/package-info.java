/** Composition root of a storage node, heartbeats, chunk reports. */
@NullMarked
package org.keelfs.node;

import org.jspecify.annotations.NullMarked;
