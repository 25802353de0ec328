/** TLS contexts and the roles that certificates carry. */
@NullMarked
package org.keelfs.security.tls;

import org.jspecify.annotations.NullMarked;
