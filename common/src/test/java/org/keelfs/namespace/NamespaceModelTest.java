package org.keelfs.namespace;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.SessionId;

/**
 * Random commands against {@link PosixModel}: the same errno, and the same picture of the whole
 * tree.
 */
class NamespaceModelTest {
    private static final int STEPS = 4000;
    private static final int VOLUME = 1;
    private static final String[] NAMES = {"a", "b", "c", "d", "e"};
    private static final Caller[] CALLERS = {
        Caller.ROOT,
        Caller.ROOT,
        new Caller(1000, 1000, new int[] {50}),
        new Caller(1000, 1000, new int[] {50}),
        new Caller(1001, 1001, new int[] {50, 60}),
        new Caller(1002, 60, new int[0])
    };

    /** One step: the command, and the same on the model. */
    private record Step(NamespaceCommand<?> command, Runnable onModel) {}

    private final MemoryTables tables = new MemoryTables();
    private PosixModel model;
    private Random random;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomCommandsDoWhatTheModelDoes(long seed) {
        random = new Random(seed);
        tables.putVolume(new VolumeRow(VOLUME, "v", 1 << 20, 3, new byte[0], InodeId.ROOT));
        int unused = RootDirectory.create(tables, VOLUME, 0, 0, 0777, 1).volume();
        assertEquals(VOLUME, unused);
        model = new PosixModel(0777, 1);
        int done = 0;
        for (int i = 0; i < STEPS; i++) {
            model.now = 10L + i;
            model.caller = CALLERS[random.nextInt(CALLERS.length)];
            if (random.nextInt(400) == 0) {
                long session = 1L + random.nextInt(2);
                Orphans.releasePins(tables, new SessionId(session));
                model.endSession(session);
                continue;
            }
            Step step = randomStep();
            String what =
                    "seed " + seed + " step " + i + " " + model.caller.uid() + " " + step.command;
            Errno expected = outcomeOfModel(step);
            Origin origin = new Origin(new SessionId(1), VOLUME, model.caller, model.now);
            Errno actual = step.command.run(tables, origin).errno();
            assertEquals(expected, actual, what);
            done += actual == null ? 1 : 0;
            if (i % 50 == 0 || i == STEPS - 1) {
                assertEquals(
                        String.join("\n", model.picture()), String.join("\n", picture()), what);
            }
        }
        // Half of random commands and more are refused; the test must not degenerate into refusals
        // alone.
        assertEquals(true, done > STEPS / 8, "only " + done + " commands succeeded");
        assertEquals(tables.inodes().size(), tables.counter(Counter.LIVE_INODES));
    }

    private Errno outcomeOfModel(Step step) {
        try {
            step.onModel.run();
            return null;
        } catch (FsException refused) {
            return refused.errno();
        }
    }

    private List<String> picture() {
        List<String> lines = new ArrayList<>();
        for (InodeRow row : tables.inodes()) {
            Attributes a = row.attributes();
            Map<String, Long> entries = new TreeMap<>();
            for (EntryRow e : tables.entriesAfter(row.id(), 0, Integer.MAX_VALUE)) {
                entries.put(e.name().toString(), e.inode().value());
                assertEquals(e, tables.entry(row.id(), e.name()));
            }
            Map<String, String> xattrs = new TreeMap<>();
            int bytes = 0;
            for (XattrRow x : tables.xattrs(row.id())) {
                xattrs.put(x.name().toString(), new String(x.value(), StandardCharsets.UTF_8));
                bytes += x.name().length() + x.value().length;
            }
            assertEquals(bytes, row.xattrBytes());
            lines.add(
                    PosixModel.line(
                            row.id().value(),
                            a.type(),
                            a.mode(),
                            a.uid(),
                            a.gid(),
                            a.linkCount(),
                            a.size(),
                            a.atimeNs(),
                            a.mtimeNs(),
                            a.ctimeNs(),
                            a.flags(),
                            new String(row.target(), StandardCharsets.UTF_8),
                            entries,
                            xattrs));
        }
        return lines;
    }

    private Step randomStep() {
        return switch (random.nextInt(20)) {
            case 0, 1, 2, 3 -> create();
            case 4 -> createUnnamed();
            case 5, 6 -> link();
            case 7, 8 -> unlink();
            case 9, 10, 11 -> rename();
            case 12 -> chmod();
            case 13 -> chown();
            case 14 -> truncate();
            case 15 -> utimes();
            case 16 -> flags();
            case 17 -> setXattr();
            case 18 -> removeXattr();
            default -> pin();
        };
    }

    /** Mostly a living inode, now and then one that is gone or never was. */
    private long anyInode() {
        List<Long> living = new ArrayList<>(model.nodes.keySet());
        return random.nextInt(30) == 0
                ? 1 + random.nextInt(200)
                : living.get(random.nextInt(living.size()));
    }

    private long anyDirectory() {
        List<Long> living =
                model.nodes.values().stream().filter(n -> n.isDirectory()).map(n -> n.id).toList();
        return random.nextInt(20) == 0 ? anyInode() : living.get(random.nextInt(living.size()));
    }

    private String anyName() {
        int odd = random.nextInt(60);
        return odd == 0 ? "x".repeat(256) : odd == 1 ? "" : NAMES[random.nextInt(NAMES.length)];
    }

    private int anyMode() {
        int[] modes = {0755, 0644, 0777, 01777, 02775, 04755, 02755, 0700, 0070, 0};
        return modes[random.nextInt(modes.length)];
    }

    private Step create() {
        FileType[] types = {
            FileType.REGULAR,
            FileType.REGULAR,
            FileType.DIRECTORY,
            FileType.DIRECTORY,
            FileType.DIRECTORY,
            FileType.SYMLINK,
            FileType.FIFO,
            FileType.BLOCK_DEVICE
        };
        FileType type = types[random.nextInt(types.length)];
        long parent = anyDirectory();
        String name = anyName();
        int mode = anyMode();
        int umask = random.nextBoolean() ? 022 : 0;
        String target =
                type != FileType.SYMLINK ? "" : random.nextInt(10) == 0 ? "" : "../somewhere";
        return new Step(
                new CreateCommand(
                        new InodeId(parent),
                        Name.of(name),
                        type.modeBits() | mode,
                        umask,
                        0x801,
                        target.getBytes(StandardCharsets.UTF_8),
                        false,
                        false),
                () -> model.create(parent, name, type, mode, umask, target));
    }

    private Step createUnnamed() {
        long parent = anyDirectory();
        int mode = anyMode();
        return new Step(
                new CreateCommand(
                        new InodeId(parent),
                        Name.of(""),
                        FileType.REGULAR.modeBits() | mode,
                        0,
                        0,
                        new byte[0],
                        true,
                        true),
                () -> model.createUnnamed(parent, mode, 1));
    }

    private Step link() {
        long inode = anyInode();
        long parent = anyDirectory();
        String name = anyName();
        return new Step(
                new LinkCommand(new InodeId(inode), new InodeId(parent), Name.of(name)),
                () -> model.link(inode, parent, name));
    }

    private Step unlink() {
        long parent = anyDirectory();
        String name = anyName();
        boolean directory = random.nextBoolean();
        return new Step(
                new UnlinkCommand(new InodeId(parent), Name.of(name), directory),
                () -> model.unlink(parent, name, directory));
    }

    private Step rename() {
        long from = anyDirectory();
        long to = random.nextInt(3) == 0 ? from : anyDirectory();
        String oldName = anyName();
        String newName = anyName();
        int[] choices = {0, 0, 0, 1, 2, 2, 3};
        int flags = choices[random.nextInt(choices.length)];
        return new Step(
                new RenameCommand(
                        new InodeId(from),
                        Name.of(oldName),
                        new InodeId(to),
                        Name.of(newName),
                        flags),
                () -> model.rename(from, oldName, to, newName, flags));
    }

    private SetAttributesCommand set(
            long inode,
            Integer mode,
            Integer uid,
            Integer gid,
            Long size,
            Long at,
            Long mt,
            Integer fl) {
        return new SetAttributesCommand(
                new InodeId(inode),
                mode,
                uid,
                gid,
                size,
                at,
                mt,
                fl,
                false,
                false,
                false,
                false,
                0);
    }

    private Step chmod() {
        long inode = anyInode();
        int mode = anyMode();
        return new Step(
                set(inode, mode, null, null, null, null, null, null),
                () -> model.chmod(inode, mode));
    }

    private Step chown() {
        long inode = anyInode();
        int[] ids = {-1, 0, 50, 60, 1000, 1001};
        int uid = ids[random.nextInt(ids.length)];
        int gid = uid < 0 ? 50 : ids[random.nextInt(ids.length)];
        return new Step(
                set(
                        inode,
                        null,
                        uid < 0 ? null : uid,
                        gid < 0 ? null : gid,
                        null,
                        null,
                        null,
                        null),
                () -> model.chown(inode, uid, gid));
    }

    private Step truncate() {
        long inode = anyInode();
        long size = random.nextInt(5000);
        return new Step(
                set(inode, null, null, null, size, null, null, null),
                () -> model.truncate(inode, size));
    }

    private Step utimes() {
        long inode = anyInode();
        if (random.nextBoolean()) {
            return new Step(
                    new SetAttributesCommand(
                            new InodeId(inode),
                            null,
                            null,
                            null,
                            null,
                            null,
                            null,
                            null,
                            true,
                            true,
                            false,
                            false,
                            0),
                    () -> model.touch(inode));
        }
        return new Step(
                set(inode, null, null, null, null, 5L, 6L, null), () -> model.utimes(inode, 5, 6));
    }

    private Step flags() {
        long inode = anyInode();
        int[] values = {0, 0, 0, 0, 0, 0x10, 0x20};
        int flags = values[random.nextInt(values.length)];
        return new Step(
                set(inode, null, null, null, null, null, null, flags),
                () -> model.setFlags(inode, flags));
    }

    private String anyXattr() {
        String[] names = {"user.a", "user.b", "trusted.a", "other.a"};
        return names[random.nextInt(names.length)];
    }

    private Step setXattr() {
        long inode = anyInode();
        String name = anyXattr();
        String value = "v" + random.nextInt(1000);
        int flags = random.nextInt(3);
        return new Step(
                new SetXattrCommand(
                        new InodeId(inode),
                        Name.of(name),
                        value.getBytes(StandardCharsets.UTF_8),
                        flags,
                        false),
                () -> model.setXattr(inode, name, value, flags));
    }

    private Step removeXattr() {
        long inode = anyInode();
        String name = anyXattr();
        return new Step(
                new RemoveXattrCommand(new InodeId(inode), Name.of(name)),
                () -> model.removeXattr(inode, name));
    }

    private Step pin() {
        long inode = anyInode();
        boolean pinned = random.nextInt(3) != 0;
        return new Step(
                new PinCommand(new InodeId(inode), pinned),
                () -> {
                    if (pinned) {
                        model.pin(inode, 1);
                    } else {
                        model.unpin(inode, 1);
                    }
                });
    }
}
