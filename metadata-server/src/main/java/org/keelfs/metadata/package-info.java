/** Composition root of the metadata server and its RPC service. */
@NullMarked
package org.keelfs.metadata;

import org.jspecify.annotations.NullMarked;
