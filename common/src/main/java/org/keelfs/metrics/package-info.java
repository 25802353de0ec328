/** Counters and histograms by fixed names. */
@NullMarked
package org.keelfs.metrics;

import org.jspecify.annotations.NullMarked;
