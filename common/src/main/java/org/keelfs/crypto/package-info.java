/** Encryption of sectors, keys of chunks, the keyring file. */
@NullMarked
package org.keelfs.crypto;

import org.jspecify.annotations.NullMarked;
