/** Fuzzers: seeded and short with the tests, long and guided by coverage with JAZZER_FUZZ=1. */
@NullMarked
package org.keelfs.it.fuzz;

import org.jspecify.annotations.NullMarked;
