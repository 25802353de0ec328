/** Documented settings, concluded once; the port through which daemons are found. */
@NullMarked
package org.keelfs.config;

import org.jspecify.annotations.NullMarked;
