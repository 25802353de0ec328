package org.keelfs.client.vfs;

import java.util.List;
import java.util.Map;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.model.Capability;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.wire.proto.MetadataProto.Command;

/** Extended attributes: read from what came with the inode, changed by commands. */
final class XattrOperations {
    /** XATTR_SIZE_MAX of limits.h. */
    private static final int VALUE_BYTES_MAX = 65_536;

    private final VfsContext vfs;
    private final InodeReader reader;

    XattrOperations(VfsContext vfs, InodeReader reader) {
        this.vfs = vfs;
        this.reader = reader;
    }

    byte[] get(Call call, InodeId inode, Name name) {
        byte[] value = reader.xattrs(call, inode).get(name);
        if (value == null) {
            throw new FsException(Errno.ENODATA);
        }
        return value;
    }

    /** Trusted attributes are shown to CAP_SYS_ADMIN only, as xattr(7) says. */
    List<Name> list(Call call, InodeId inode) {
        Map<Name, byte[]> xattrs = reader.xattrs(call, inode);
        boolean all = call.caller().has(Capability.SYS_ADMIN);
        return xattrs.keySet().stream()
                .filter(name -> all || !name.toString().startsWith("trusted."))
                .sorted()
                .toList();
    }

    void set(Call call, InodeId inode, Name name, byte[] value, int flags, boolean killSgid) {
        if (name.length() > Name.BYTES_MAX || name.length() == 0) {
            throw new FsException(Errno.ERANGE);
        }
        if (value.length > VALUE_BYTES_MAX) {
            throw new FsException(Errno.E2BIG);
        }
        change(
                call,
                inode,
                vfs.commands().setXattr(call.caller(), inode, name, value, flags, killSgid));
    }

    void remove(Call call, InodeId inode, Name name) {
        change(call, inode, vfs.commands().removeXattr(call.caller(), inode, name));
    }

    /** The server's answer has attributes but no xattrs: both are fetched again when asked for. */
    private void change(Call call, InodeId inode, Command command) {
        List<CommandOutcome> outcomes = vfs.names().tryLocal(List.of(command), null);
        if (outcomes != null) {
            Errno refused = outcomes.getFirst().errno();
            if (refused != null) {
                throw new FsException(refused);
            }
            return;
        }
        call.beforeWait();
        try (NamespaceWriter.Flux _ = vfs.names().flux(List.of(inode))) {
            var _ = vfs.names().submitOne(command);
            vfs.cache().forgetInode(inode);
        }
    }
}
