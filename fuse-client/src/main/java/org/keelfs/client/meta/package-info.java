/** Metadata calls with retries, batches and reply ids. */
@NullMarked
package org.keelfs.client.meta;

import org.jspecify.annotations.NullMarked;
