/** The metadata log: submit and force. */
@NullMarked
package org.keelfs.metadata.log;

import org.jspecify.annotations.NullMarked;
