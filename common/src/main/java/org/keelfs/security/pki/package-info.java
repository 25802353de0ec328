/** The cluster's certificate authority: creating it, issuing certificates. */
@NullMarked
package org.keelfs.security.pki;

import org.jspecify.annotations.NullMarked;
