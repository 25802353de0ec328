/** Issues certificates of the cluster. */
@NullMarked
package org.keelfs.security.pki;

import org.jspecify.annotations.NullMarked;
