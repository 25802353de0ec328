package org.keelfs.fuse.kernel.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Constants and offsets as the C compiler sees them in linux/fuse.h. What Debian's header (7.38)
 * does not have yet is left out: STATX, the 64-bit copy_file_range, INC_EPOCH, groups of the
 * caller.
 */
final class LayoutTest {
    /** C expression and the value that it must have. */
    private record Case(String expression, long value) {}

    private final List<Case> cases = new ArrayList<>();

    /** Offsets in pairs of C field name and ours. */
    private void struct(String name, long size, Object... fields) {
        cases.add(new Case("sizeof(struct " + name + ")", size));
        for (int i = 0; i < fields.length; i += 2) {
            cases.add(
                    new Case(
                            "offsetof(struct " + name + ", " + fields[i] + ")",
                            ((Number) fields[i + 1]).longValue()));
        }
    }

    @Test
    void offsetsAndSizes(@TempDir Path dir) throws Exception {
        struct("fuse_in_header", 40, "len", Layout.InHeader.LEN, "opcode", Layout.InHeader.OPCODE);
        struct(
                "fuse_in_header",
                40,
                "unique",
                Layout.InHeader.UNIQUE,
                "nodeid",
                Layout.InHeader.NODEID);
        struct("fuse_in_header", 40, "uid", Layout.InHeader.UID, "gid", Layout.InHeader.GID);
        struct(
                "fuse_in_header",
                40,
                "pid",
                Layout.InHeader.PID,
                "total_extlen",
                Layout.InHeader.TOTAL_EXTLEN);
        struct("fuse_out_header", 16, "len", Layout.OutHeader.LEN, "error", Layout.OutHeader.ERROR);
        struct("fuse_out_header", 16, "unique", Layout.OutHeader.UNIQUE);
        struct(
                "fuse_attr",
                Layout.Attr.SIZE,
                "ino",
                Layout.Attr.INO,
                "size",
                Layout.Attr.FILE_SIZE);
        struct(
                "fuse_attr",
                Layout.Attr.SIZE,
                "blocks",
                Layout.Attr.BLOCKS,
                "atime",
                Layout.Attr.ATIME);
        struct(
                "fuse_attr",
                Layout.Attr.SIZE,
                "mtime",
                Layout.Attr.MTIME,
                "ctime",
                Layout.Attr.CTIME);
        struct("fuse_attr", Layout.Attr.SIZE, "atimensec", Layout.Attr.ATIMENSEC);
        struct("fuse_attr", Layout.Attr.SIZE, "mtimensec", Layout.Attr.MTIMENSEC);
        struct("fuse_attr", Layout.Attr.SIZE, "ctimensec", Layout.Attr.CTIMENSEC);
        struct("fuse_attr", Layout.Attr.SIZE, "mode", Layout.Attr.MODE, "nlink", Layout.Attr.NLINK);
        struct("fuse_attr", Layout.Attr.SIZE, "uid", Layout.Attr.UID, "gid", Layout.Attr.GID);
        struct(
                "fuse_attr",
                Layout.Attr.SIZE,
                "rdev",
                Layout.Attr.RDEV,
                "blksize",
                Layout.Attr.BLKSIZE);
        struct("fuse_entry_out", Layout.EntryOut.SIZE, "nodeid", Layout.EntryOut.NODEID);
        struct("fuse_entry_out", 128, "generation", Layout.EntryOut.GENERATION);
        struct("fuse_entry_out", 128, "entry_valid", Layout.EntryOut.ENTRY_VALID);
        struct("fuse_entry_out", 128, "attr_valid", Layout.EntryOut.ATTR_VALID);
        struct("fuse_entry_out", 128, "entry_valid_nsec", Layout.EntryOut.ENTRY_VALID_NSEC);
        struct("fuse_entry_out", 128, "attr_valid_nsec", Layout.EntryOut.ATTR_VALID_NSEC);
        struct("fuse_entry_out", 128, "attr", Layout.EntryOut.ATTR);
        answers();
        setattr();
        creating();
        input();
        statistics();
        init();
        others();
        ioctls();
        compare(dir);
    }

    private void answers() {
        struct("fuse_attr_out", Layout.AttrOut.SIZE, "attr_valid", Layout.AttrOut.ATTR_VALID);
        struct("fuse_attr_out", 104, "attr_valid_nsec", Layout.AttrOut.ATTR_VALID_NSEC);
        struct("fuse_attr_out", 104, "attr", Layout.AttrOut.ATTR);
        struct("fuse_open_out", Layout.OpenOut.SIZE, "fh", Layout.OpenOut.FH);
        struct("fuse_open_out", 16, "open_flags", Layout.OpenOut.OPEN_FLAGS);
    }

    private void setattr() {
        struct("fuse_setattr_in", Layout.SetattrIn.SIZE, "valid", Layout.SetattrIn.VALID);
        struct(
                "fuse_setattr_in",
                88,
                "fh",
                Layout.SetattrIn.FH,
                "size",
                Layout.SetattrIn.FILE_SIZE);
        struct(
                "fuse_setattr_in",
                88,
                "atime",
                Layout.SetattrIn.ATIME,
                "mtime",
                Layout.SetattrIn.MTIME);
        struct(
                "fuse_setattr_in",
                88,
                "ctime",
                Layout.SetattrIn.CTIME,
                "mode",
                Layout.SetattrIn.MODE);
        struct("fuse_setattr_in", 88, "atimensec", Layout.SetattrIn.ATIMENSEC);
        struct("fuse_setattr_in", 88, "mtimensec", Layout.SetattrIn.MTIMENSEC);
        struct("fuse_setattr_in", 88, "ctimensec", Layout.SetattrIn.CTIMENSEC);
        struct("fuse_setattr_in", 88, "uid", Layout.SetattrIn.UID, "gid", Layout.SetattrIn.GID);
    }

    private void creating() {
        struct("fuse_mknod_in", Layout.MknodIn.SIZE, "mode", Layout.MknodIn.MODE);
        struct("fuse_mknod_in", 16, "rdev", Layout.MknodIn.RDEV, "umask", Layout.MknodIn.UMASK);
        struct("fuse_mkdir_in", Layout.MkdirIn.SIZE, "mode", Layout.MkdirIn.MODE);
        struct("fuse_mkdir_in", 8, "umask", Layout.MkdirIn.UMASK);
        struct("fuse_rename_in", Layout.RenameIn.SIZE, "newdir", Layout.RenameIn.NEWDIR);
        struct("fuse_rename2_in", Layout.RenameIn.SIZE_2, "newdir", Layout.RenameIn.NEWDIR);
        struct("fuse_rename2_in", 16, "flags", Layout.RenameIn.FLAGS_2);
        struct("fuse_link_in", Layout.LinkIn.SIZE, "oldnodeid", Layout.LinkIn.OLDNODEID);
        struct("fuse_open_in", Layout.OpenIn.SIZE, "flags", Layout.OpenIn.FLAGS);
        struct("fuse_open_in", 8, "open_flags", Layout.OpenIn.OPEN_FLAGS);
        struct("fuse_create_in", Layout.CreateIn.SIZE, "flags", Layout.CreateIn.FLAGS);
        struct("fuse_create_in", 16, "mode", Layout.CreateIn.MODE, "umask", Layout.CreateIn.UMASK);
    }

    private void input() {
        struct("fuse_release_in", Layout.ReleaseIn.SIZE, "fh", Layout.ReleaseIn.FH);
        struct("fuse_release_in", 24, "flags", Layout.ReleaseIn.FLAGS);
        struct("fuse_release_in", 24, "release_flags", Layout.ReleaseIn.RELEASE_FLAGS);
        struct("fuse_release_in", 24, "lock_owner", Layout.ReleaseIn.LOCK_OWNER);
        struct("fuse_flush_in", Layout.FlushIn.SIZE, "fh", Layout.FlushIn.FH);
        struct("fuse_flush_in", 24, "lock_owner", Layout.FlushIn.LOCK_OWNER);
        struct("fuse_read_in", Layout.ReadIn.SIZE, "fh", Layout.ReadIn.FH);
        struct("fuse_read_in", 40, "offset", Layout.ReadIn.OFFSET, "size", Layout.ReadIn.BYTES);
        struct("fuse_write_in", Layout.WriteIn.SIZE, "fh", Layout.WriteIn.FH);
        struct("fuse_write_in", 40, "offset", Layout.WriteIn.OFFSET, "size", Layout.WriteIn.BYTES);
        struct("fuse_write_in", 40, "write_flags", Layout.WriteIn.WRITE_FLAGS);
        struct("fuse_write_in", 40, "flags", Layout.WriteIn.FLAGS);
        struct("fuse_write_out", Layout.WriteOut.SIZE, "size", Layout.WriteOut.BYTES);
        struct("fuse_fsync_in", Layout.FsyncIn.SIZE, "fh", Layout.FsyncIn.FH);
        struct("fuse_fsync_in", 16, "fsync_flags", Layout.FsyncIn.FSYNC_FLAGS);
        struct("fuse_setxattr_in", Layout.SetxattrIn.SIZE, "size", Layout.SetxattrIn.BYTES);
        struct("fuse_setxattr_in", 16, "flags", Layout.SetxattrIn.FLAGS);
        struct("fuse_setxattr_in", 16, "setxattr_flags", Layout.SetxattrIn.SETXATTR_FLAGS);
        struct("fuse_getxattr_in", Layout.Getxattr.SIZE, "size", Layout.Getxattr.BYTES);
        struct("fuse_getxattr_out", Layout.Getxattr.SIZE, "size", Layout.Getxattr.BYTES);
        struct("fuse_access_in", Layout.AccessIn.SIZE, "mask", Layout.AccessIn.MASK);
    }

    private void statistics() {
        struct("fuse_statfs_out", Layout.Kstatfs.SIZE, "st.blocks", Layout.Kstatfs.BLOCKS);
        struct(
                "fuse_statfs_out",
                80,
                "st.bfree",
                Layout.Kstatfs.BFREE,
                "st.bavail",
                Layout.Kstatfs.BAVAIL);
        struct(
                "fuse_statfs_out",
                80,
                "st.files",
                Layout.Kstatfs.FILES,
                "st.ffree",
                Layout.Kstatfs.FFREE);
        struct("fuse_statfs_out", 80, "st.bsize", Layout.Kstatfs.BSIZE);
        struct(
                "fuse_statfs_out",
                80,
                "st.namelen",
                Layout.Kstatfs.NAMELEN,
                "st.frsize",
                Layout.Kstatfs.FRSIZE);
    }

    private void init() {
        struct("fuse_init_in", Layout.InitIn.SIZE, "major", Layout.InitIn.MAJOR);
        struct(
                "fuse_init_in",
                64,
                "minor",
                Layout.InitIn.MINOR,
                "max_readahead",
                Layout.InitIn.MAX_READAHEAD);
        struct("fuse_init_in", 64, "flags", Layout.InitIn.FLAGS, "flags2", Layout.InitIn.FLAGS2);
        struct("fuse_init_out", Layout.InitOut.SIZE, "major", Layout.InitOut.MAJOR);
        struct("fuse_init_out", 64, "minor", Layout.InitOut.MINOR);
        struct("fuse_init_out", 64, "max_readahead", Layout.InitOut.MAX_READAHEAD);
        struct("fuse_init_out", 64, "flags", Layout.InitOut.FLAGS, "flags2", Layout.InitOut.FLAGS2);
        struct("fuse_init_out", 64, "max_background", Layout.InitOut.MAX_BACKGROUND);
        struct("fuse_init_out", 64, "congestion_threshold", Layout.InitOut.CONGESTION_THRESHOLD);
        struct("fuse_init_out", 64, "max_write", Layout.InitOut.MAX_WRITE);
        struct("fuse_init_out", 64, "time_gran", Layout.InitOut.TIME_GRAN);
        struct("fuse_init_out", 64, "max_pages", Layout.InitOut.MAX_PAGES);
    }

    private void ioctls() {
        struct("fuse_ioctl_in", Layout.Ioctl.SIZE, "cmd", Layout.Ioctl.CMD);
        struct("fuse_ioctl_in", 32, "flags", Layout.Ioctl.FLAGS);
        struct("fuse_ioctl_in", 32, "in_size", Layout.Ioctl.IN_BYTES);
        struct("fuse_ioctl_in", 32, "out_size", Layout.Ioctl.OUT_BYTES);
        struct("fuse_ioctl_out", Layout.Ioctl.OUT_SIZE, "result", Layout.Ioctl.OUT_RESULT);
    }

    private void others() {
        struct("fuse_interrupt_in", Layout.InterruptIn.SIZE, "unique", Layout.InterruptIn.UNIQUE);
        struct("fuse_forget_in", Layout.ForgetIn.SIZE, "nlookup", Layout.ForgetIn.NLOOKUP);
        struct(
                "fuse_batch_forget_in",
                Layout.BatchForgetIn.SIZE,
                "count",
                Layout.BatchForgetIn.COUNT);
        struct(
                "fuse_forget_one",
                Layout.BatchForgetIn.ONE_SIZE,
                "nodeid",
                Layout.BatchForgetIn.ONE_NODEID);
        struct("fuse_forget_one", 16, "nlookup", Layout.BatchForgetIn.ONE_NLOOKUP);
        struct("fuse_fallocate_in", Layout.FallocateIn.SIZE, "fh", Layout.FallocateIn.FH);
        struct("fuse_fallocate_in", 32, "offset", Layout.FallocateIn.OFFSET);
        struct(
                "fuse_fallocate_in",
                32,
                "length",
                Layout.FallocateIn.LENGTH,
                "mode",
                Layout.FallocateIn.MODE);
        struct(
                "fuse_lseek_in",
                Layout.Lseek.SIZE,
                "fh",
                Layout.Lseek.FH,
                "offset",
                Layout.Lseek.OFFSET);
        struct("fuse_lseek_in", 24, "whence", Layout.Lseek.WHENCE);
        struct("fuse_lseek_out", Layout.Lseek.OUT_SIZE, "offset", Layout.Lseek.OUT_OFFSET);
        struct(
                "fuse_copy_file_range_in",
                Layout.CopyFileRange.SIZE,
                "fh_in",
                Layout.CopyFileRange.FH_IN);
        struct("fuse_copy_file_range_in", 56, "off_in", Layout.CopyFileRange.OFF_IN);
        struct("fuse_copy_file_range_in", 56, "nodeid_out", Layout.CopyFileRange.NODEID_OUT);
        struct("fuse_copy_file_range_in", 56, "fh_out", Layout.CopyFileRange.FH_OUT);
        struct("fuse_copy_file_range_in", 56, "off_out", Layout.CopyFileRange.OFF_OUT);
        struct("fuse_copy_file_range_in", 56, "len", Layout.CopyFileRange.LEN);
        struct(
                "fuse_dirent",
                Layout.Dirent.SIZE,
                "ino",
                Layout.Dirent.INO,
                "off",
                Layout.Dirent.OFF);
        struct("fuse_dirent", 24, "namelen", Layout.Dirent.NAMELEN, "type", Layout.Dirent.TYPE);
        struct("fuse_direntplus", 152, "dirent", Layout.EntryOut.SIZE);
        struct("fuse_ext_header", Layout.Extension.HEADER_SIZE, "size", Layout.Extension.BYTES);
        struct("fuse_ext_header", 8, "type", Layout.Extension.TYPE);
        struct(
                "fuse_notify_inval_inode_out",
                Layout.Notify.INVAL_INODE_SIZE,
                "ino",
                Layout.Notify.INO);
        struct(
                "fuse_notify_inval_inode_out",
                24,
                "off",
                Layout.Notify.OFF,
                "len",
                Layout.Notify.LEN);
    }

    @Test
    void opcodesAndFlags(@TempDir Path dir) throws Exception {
        constants(Opcode.class, List.of("COPY_FILE_RANGE_64", "STATX"));
        constants(
                InitFlag.class, List.of("CREATE_SUPP_GROUP", "DIRECT_IO_ALLOW_MMAP", "HAS_RESEND"));
        String[] names = {
            "FATTR_MODE",
            "FATTR_UID",
            "FATTR_GID",
            "FATTR_SIZE",
            "FATTR_ATIME",
            "FATTR_MTIME",
            "FATTR_FH",
            "FATTR_ATIME_NOW",
            "FATTR_MTIME_NOW",
            "FATTR_CTIME",
            "FATTR_KILL_SUIDGID"
        };
        for (String name : names) {
            cases.add(new Case(name, Layout.SetattrIn.class.getField(name).getInt(null)));
        }
        cases.add(new Case("FOPEN_DIRECT_IO", Layout.OpenOut.FOPEN_DIRECT_IO));
        cases.add(new Case("FOPEN_KEEP_CACHE", Layout.OpenOut.FOPEN_KEEP_CACHE));
        cases.add(new Case("FOPEN_CACHE_DIR", Layout.OpenOut.FOPEN_CACHE_DIR));
        cases.add(
                new Case(
                        "FOPEN_PARALLEL_DIRECT_WRITES",
                        Layout.OpenOut.FOPEN_PARALLEL_DIRECT_WRITES));
        cases.add(new Case("FUSE_OPEN_KILL_SUIDGID", Layout.OpenIn.KILL_SUIDGID));
        cases.add(new Case("FUSE_RELEASE_FLOCK_UNLOCK", Layout.ReleaseIn.FLOCK_UNLOCK));
        cases.add(new Case("FUSE_WRITE_CACHE", Layout.WriteIn.WRITE_CACHE));
        cases.add(new Case("FUSE_WRITE_KILL_SUIDGID", Layout.WriteIn.WRITE_KILL_SUIDGID));
        cases.add(new Case("FUSE_FSYNC_FDATASYNC", Layout.FsyncIn.FDATASYNC));
        cases.add(new Case("FUSE_SETXATTR_ACL_KILL_SGID", Layout.SetxattrIn.ACL_KILL_SGID));
        cases.add(new Case("FUSE_NOTIFY_INVAL_INODE", Layout.Notify.INVAL_INODE));
        cases.add(new Case("FUSE_DEV_IOC_CLONE", Integer.toUnsignedLong(Layout.DEV_IOC_CLONE)));
        compare(dir);
    }

    private void constants(Class<?> holder, List<String> newer) throws IllegalAccessException {
        for (Field field : holder.getFields()) {
            if (Modifier.isStatic(field.getModifiers()) && !newer.contains(field.getName())) {
                cases.add(
                        new Case(
                                "FUSE_" + field.getName(), ((Number) field.get(null)).longValue()));
            }
        }
    }

    @Test
    void namesOfOpcodes() throws IllegalAccessException {
        for (Field field : Opcode.class.getFields()) {
            assertEquals(field.getName(), Opcode.name(field.getInt(null)));
        }
        assertEquals("opcode 99", Opcode.name(99));
        assertEquals("opcode 7", Opcode.name(7));
    }

    private void compare(Path dir) throws Exception {
        var source =
                new StringBuilder(
                        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <sys/ioctl.h>\n#include <linux/fuse.h>\n");
        source.append("int main(void) {\n");
        for (Case c : cases) {
            source.append("printf(\"%llu\\n\", (unsigned long long)(")
                    .append(c.expression)
                    .append("));\n");
        }
        Path file = dir.resolve("layout.c");
        Files.writeString(file, source.append("}\n"));
        Path program = dir.resolve("layout");
        output("gcc", "-o", program.toString(), file.toString());
        List<String> actual = output(program.toString()).lines().toList();
        var wrong = new ArrayList<String>();
        for (int i = 0; i < cases.size(); i++) {
            if (!actual.get(i).equals(Long.toUnsignedString(cases.get(i).value))) {
                wrong.add(cases.get(i) + " is " + actual.get(i));
            }
        }
        assertEquals(List.of(), wrong);
    }

    private static String output(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), said);
        return said;
    }
}
