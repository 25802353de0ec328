package org.keelfs.fuse.kernel;

import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import org.keelfs.client.vfs.Call;
import org.keelfs.fuse.kernel.protocol.Layout.Extension;
import org.keelfs.fuse.kernel.protocol.Layout.InHeader;
import org.keelfs.model.Caller;

/**
 * Who asks. Supplementary groups and capabilities are not in requests; they are read from /proc
 * where a call needs them. Thread-safe.
 */
final class Callers {
    private static final int[] NO_GROUPS = {};

    /**
     * A process that changes its groups or capabilities is believed to have the old ones for so
     * long at most.
     */
    private static final long KEPT_NS = 100_000_000L;

    /** Enough for the processes active within that time. */
    private static final int PROCESSES_MAX = 256;

    private record Known(int uid, int gid, ProcessCredentials credentials, long readAtNs) {}

    private final ConcurrentHashMap<Integer, Known> byProcess = new ConcurrentHashMap<>();

    /** For calls that need no more than the user. */
    Call plain(Exchange x, boolean mayBlock) {
        return new Call(new Caller(x.uid(), x.gid(), NO_GROUPS), x.pid(), 0, mayBlock);
    }

    /** For calls that change the namespace or attributes. */
    Call withCredentials(Exchange x, int umask, boolean mayBlock) {
        return new Call(caller(x), x.pid(), umask & 0777, mayBlock);
    }

    private Caller caller(Exchange x) {
        int[] told = groupsInRequest(x);
        // Root passes every check that groups decide; what it may not although it is root, the
        // kernel has refused.
        if (x.uid() == 0 || x.pid() == 0) {
            return new Caller(x.uid(), x.gid(), told);
        }
        ProcessCredentials read = ofProcess(x.pid(), x.uid(), x.gid());
        int[] groups = read.groups();
        if (told.length > 0) {
            groups = Arrays.copyOf(groups, groups.length + told.length);
            System.arraycopy(told, 0, groups, groups.length - told.length, told.length);
        }
        return new Caller(x.uid(), x.gid(), groups, read.capabilities());
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

    private ProcessCredentials ofProcess(int pid, int uid, int gid) {
        long now = System.nanoTime();
        Known known = byProcess.get(pid);
        if (known != null
                && known.uid == uid
                && known.gid == gid
                && now - known.readAtNs < KEPT_NS) {
            return known.credentials;
        }
        if (byProcess.size() >= PROCESSES_MAX) {
            byProcess.clear();
        }
        ProcessCredentials read = ProcessCredentials.read(pid);
        byProcess.put(pid, new Known(uid, gid, read, now));
        return read;
    }
}
