/** Signs and verifies the capabilities that sector operations carry. */
@NullMarked
package org.keelfs.security.capability;

import org.jspecify.annotations.NullMarked;
