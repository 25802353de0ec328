package org.keelfs.fuse.kernel;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.client.vfs.Call;
import org.keelfs.fuse.kernel.protocol.Layout.Extension;
import org.keelfs.fuse.kernel.protocol.Layout.InHeader;
import org.keelfs.model.Caller;

/**
 * Who asks. Supplementary groups are not in requests; they are read from /proc where a call needs
 * them. Thread-safe.
 */
final class Callers {
    private static final int[] NO_GROUPS = {};

    /** A process that changes its groups is believed to have the old ones for so long at most. */
    private static final long GROUPS_KEPT_NS = 100_000_000L;

    /** Enough for the processes active within that time. */
    private static final int PROCESSES_MAX = 256;

    private record Groups(int uid, int gid, int[] ids, long readAtNs) {}

    private final ConcurrentHashMap<Integer, Groups> byProcess = new ConcurrentHashMap<>();

    /** For calls that need no groups. */
    Call plain(Exchange x, boolean mayBlock) {
        return new Call(new Caller(x.uid(), x.gid(), NO_GROUPS), x.pid(), 0, mayBlock);
    }

    /** For calls that change the namespace or attributes. */
    Call withGroups(Exchange x, int umask, boolean mayBlock) {
        return new Call(new Caller(x.uid(), x.gid(), groups(x)), x.pid(), umask & 0777, mayBlock);
    }

    private int[] groups(Exchange x) {
        int[] told = groupsInRequest(x);
        // Root passes every check that groups decide.
        if (x.uid() == 0 || x.pid() == 0) {
            return told;
        }
        int[] read = groupsOfProcess(x.pid(), x.uid(), x.gid());
        if (told.length == 0) {
            return read;
        }
        int[] both = Arrays.copyOf(read, read.length + told.length);
        System.arraycopy(told, 0, both, read.length, told.length);
        return both;
    }

    /** With CREATE_SUPP_GROUP: the group of the parent directory where the caller is in it. */
    private static int[] groupsInRequest(Exchange x) {
        int at = x.bodyLength();
        int end = x.length() - InHeader.SIZE;
        while (at + Extension.HEADER_SIZE < end) {
            int bytes = x.intAt(at + Extension.BYTES);
            if (x.intAt(at + Extension.TYPE) == Extension.TYPE_GROUPS) {
                int count = x.intAt(at + Extension.GROUP_COUNT);
                var ids = new int[Math.clamp(count, 0, (end - at - Extension.GROUPS) / 4)];
                for (int i = 0; i < ids.length; i++) {
                    ids[i] = x.intAt(at + Extension.GROUPS + 4 * i);
                }
                return ids;
            }
            at += Math.max(bytes, Extension.HEADER_SIZE);
        }
        return NO_GROUPS;
    }

    private int[] groupsOfProcess(int pid, int uid, int gid) {
        long now = System.nanoTime();
        Groups known = byProcess.get(pid);
        if (known != null
                && known.uid == uid
                && known.gid == gid
                && now - known.readAtNs < GROUPS_KEPT_NS) {
            return known.ids;
        }
        if (byProcess.size() >= PROCESSES_MAX) {
            byProcess.clear();
        }
        int[] ids = ProcessGroups.read(pid);
        byProcess.put(pid, new Groups(uid, gid, ids, now));
        return ids;
    }
}
