/** Benchmarks: JMH for leaves, fio for mounts. */
@NullMarked
package org.keelfs.it.bench;

import org.jspecify.annotations.NullMarked;
