package org.keelfs.model;

import java.util.Arrays;

/**
 * Who asks for an operation.
 *
 * @param uid effective (file system) user, unsigned 32 bits; 0 may everything
 * @param gid effective group
 * @param groups supplementary groups, sorted ascending as signed ints; empty where the adapter
 *     cannot know them
 */
public record Caller(int uid, int gid, int[] groups) {
    /** The superuser. */
    public static final Caller ROOT = new Caller(0, 0, new int[0]);

    public Caller {
        groups = groups.clone();
        Arrays.sort(groups);
    }

    public boolean isRoot() {
        return uid == 0;
    }

    public boolean isInGroup(int group) {
        return gid == group || Arrays.binarySearch(groups, group) >= 0;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Caller c
                && uid == c.uid
                && gid == c.gid
                && Arrays.equals(groups, c.groups);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * uid + gid) + Arrays.hashCode(groups);
    }
}
