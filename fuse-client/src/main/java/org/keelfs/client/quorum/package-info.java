/** Drivers of quorum rounds: sending to replicas, deadlines, hedging. */
@NullMarked
package org.keelfs.client.quorum;

import org.jspecify.annotations.NullMarked;
