/** Namespace commands, one class each: check, then apply, over the Tables port. */
@NullMarked
package org.keelfs.namespace;

import org.jspecify.annotations.NullMarked;
