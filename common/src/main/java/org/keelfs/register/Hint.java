package org.keelfs.register;

/**
 * What a holder of WRITE that left cleanly handed over (rule R4): sealed in this epoch with this
 * digest.
 */
public record Hint(long sealed, Digest digest) {}
