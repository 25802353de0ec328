/** Deterministic simulator: a seed gives the schedule, the faults and the workload. */
@NullMarked
package org.keelfs.it.sim;

import org.jspecify.annotations.NullMarked;
