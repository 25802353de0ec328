/** Which epoch a session uses a chunk in, who seals it, and where its replicas are. */
@NullMarked
package org.keelfs.metadata.layout;

import org.jspecify.annotations.NullMarked;
