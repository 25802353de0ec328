package org.keelfs.model;

import java.util.Arrays;

/**
 * Who asks for an operation.
 *
 * @param uid effective (file system) user, unsigned 32 bits
 * @param gid effective group
 * @param groups supplementary groups, sorted ascending as signed ints; empty where the adapter
 *     cannot know them
 * @param capabilities effective ones, a bit each
 */
public record Caller(int uid, int gid, int[] groups, long capabilities) {
    private static final long ALL = -1;

    /** The superuser. */
    public static final Caller ROOT = new Caller(0, 0, new int[0]);

    public Caller {
        groups = groups.clone();
        Arrays.sort(groups);
    }

    /** With the capabilities that a user has by itself: the superuser all, others none. */
    public Caller(int uid, int gid, int[] groups) {
        this(uid, gid, groups, uid == 0 ? ALL : 0);
    }

    /** Whether it is of a user that has all capabilities by itself. */
    public boolean isRoot() {
        return uid == 0;
    }

    public boolean has(Capability capability) {
        return (capabilities & capability.bit()) != 0;
    }

    public boolean isInGroup(int group) {
        return gid == group || Arrays.binarySearch(groups, group) >= 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Caller c
                && uid == c.uid
                && gid == c.gid
                && Arrays.equals(groups, c.groups)
                && capabilities == c.capabilities;
    }

    @Override
    public int hashCode() {
        return 31 * (31 * (31 * uid + gid) + Arrays.hashCode(groups)) + Long.hashCode(capabilities);
    }
}
