package org.keelfs.security.capability;

/** Bits of {@code Capability.rights}. */
public final class CapabilityRights {
    /** READ, PROBE. */
    public static final int READ = 1;

    /** WRITE. */
    public static final int WRITE = 2;

    /** PROMISE, STAMPS, FETCH, STAGE, INSTALL. */
    public static final int SEAL = 4;

    /** What a healing node may. */
    public static final int HEAL = 8;

    private CapabilityRights() {}
}
