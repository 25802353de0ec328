/** Attributes, entries and absence, filled under leases and emptied by recalls. */
@NullMarked
package org.keelfs.client.cache;

import org.jspecify.annotations.NullMarked;
