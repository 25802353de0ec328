package org.keelfs.fuse.jnr;

import java.nio.charset.StandardCharsets;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.vfs.Call;
import org.keelfs.client.vfs.Entry;
import org.keelfs.client.vfs.FileSystem;
import org.keelfs.model.Attributes;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;

/** From paths, which is all that libfuse 2 gives, to inodes: a lookup per component. Stateless. */
final class Paths {
    /** What jnr makes of bytes that are not UTF-8: the name that was meant is lost. */
    private static final char LOST = '\uFFFD';

    private final FileSystem fs;

    Paths(FileSystem fs) {
        this.fs = fs;
    }

    /** A name in a directory. */
    record Place(InodeId parent, Name name) {}

    /** Where the path's last component is or would be. */
    Place place(Call call, String path) {
        int slash = path.lastIndexOf('/');
        return new Place(inode(call, path.substring(0, slash)), name(path.substring(slash + 1)));
    }

    InodeId inode(Call call, String path) {
        return path.isEmpty() || path.equals("/") ? InodeId.ROOT : attributes(call, path).inode();
    }

    /** Attributes of what the path names. */
    Attributes attributes(Call call, String path) {
        InodeId at = InodeId.ROOT;
        Attributes found = null;
        for (String component : path.split("/")) {
            if (!component.isEmpty()) {
                Entry entry = fs.lookup(call, at, name(component));
                found = entry.attributes();
                at = found.inode();
                // libfuse keeps no reference: what is open has a handle, the rest is looked up
                // again.
                fs.forget(at, 1);
            }
        }
        return found != null ? found : fs.getAttributes(call, InodeId.ROOT).attributes();
    }

    private static Name name(String component) {
        if (component.indexOf(LOST) >= 0) {
            throw new FsException(Errno.EINVAL, "names that are not UTF-8 need the kernel adapter");
        }
        byte[] bytes = component.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > Name.BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        return Name.of(bytes);
    }
}
