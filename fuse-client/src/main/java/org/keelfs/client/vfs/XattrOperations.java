package org.keelfs.client.vfs;

import java.util.List;
import java.util.Map;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.wire.proto.MetadataProto.CommandResult;

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

    /** Trusted attributes are shown to the superuser only, as xattr(7) says. */
    List<Name> list(Call call, InodeId inode) {
        Map<Name, byte[]> xattrs = reader.xattrs(call, inode);
        return xattrs.keySet().stream()
                .filter(name -> call.caller().isRoot() || !name.toString().startsWith("trusted."))
                .sorted()
                .toList();
    }

    void set(Call call, InodeId inode, Name name, byte[] value, int flags, boolean killSgid) {
        call.beforeWait();
        if (name.length() > Name.BYTES_MAX || name.length() == 0) {
            throw new FsException(Errno.ERANGE);
        }
        if (value.length > VALUE_BYTES_MAX) {
            throw new FsException(Errno.E2BIG);
        }
        CommandResult result =
                vfs.session()
                        .submitOne(
                                vfs.commands()
                                        .setXattr(
                                                call.caller(),
                                                inode,
                                                name,
                                                value,
                                                flags,
                                                killSgid));
        changed(inode, result);
    }

    void remove(Call call, InodeId inode, Name name) {
        call.beforeWait();
        CommandResult result =
                vfs.session().submitOne(vfs.commands().removeXattr(call.caller(), inode, name));
        changed(inode, result);
    }

    /** The answer has attributes but no xattrs: both are fetched again when asked for. */
    private void changed(InodeId inode, CommandResult result) {
        if (result.getErrno() == 0) {
            vfs.cache().forgetInode(inode);
        }
    }
}
