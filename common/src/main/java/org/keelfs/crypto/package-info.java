/**
 * Encryption of sectors, keys of chunks, the keyring file. Plaintext and keys live only in clients;
 * start at {@link org.keelfs.crypto.SectorCipher}.
 */
@NullMarked
package org.keelfs.crypto;

import org.jspecify.annotations.NullMarked;
