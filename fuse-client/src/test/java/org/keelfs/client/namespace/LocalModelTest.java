package org.keelfs.client.namespace;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.keelfs.client.namespace.WriterModel.Caught;
import org.keelfs.client.namespace.WriterModel.Fault;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.LinkCommand;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.PinCommand;
import org.keelfs.namespace.RemoveXattrCommand;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.SetAttributesCommand;
import org.keelfs.namespace.SetXattrCommand;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.WriteBackCommand;

/** Random histories of {@link WriterModel}; {@code -Dkeelfs.seeds=N} runs more of them. */
class LocalModelTest {
    private static final int SEEDS = Integer.getInteger("keelfs.seeds", 12);

    /** Within so many seeds every broken mount is caught. */
    private static final int FAULT_SEEDS = 40;

    private static final int STEPS = 1_000;
    private static final String[] NAMES = {"a", "b", "c", "d", "e"};
    private static final String[] XATTRS = {"user.one", "user.two", "security.capability"};
    private static final Caller[] CALLERS = {
        Caller.ROOT,
        Caller.ROOT,
        Caller.ROOT,
        new Caller(1000, 1000, new int[] {50}),
        new Caller(1001, 1001, new int[] {50, 60})
    };

    @Test
    void whatIsDecidedHereIsWhatTheServerComesTo() {
        long decided = 0;
        long refused = 0;
        for (int seed = 0; seed < SEEDS; seed++) {
            WriterModel model = run(seed, Fault.NONE);
            decided += model.decidedHere;
            refused += model.refusedHere;
        }
        // A mount that asks the server for everything would pass as well.
        assertTrue(decided > SEEDS * STEPS / 10, "only " + decided + " commands decided here");
        assertTrue(refused > SEEDS * STEPS / 20, "only " + refused + " commands refused here");
    }

    @ParameterizedTest
    @EnumSource(
            value = Fault.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"NONE"})
    void aBrokenMountIsCaught(Fault fault) {
        for (int seed = 0; seed < FAULT_SEEDS; seed++) {
            try {
                var _ = run(seed, fault);
            } catch (Caught | org.keelfs.base.InvariantViolation found) {
                return;
            }
        }
        fail(fault + " was not caught within " + FAULT_SEEDS + " seeds");
    }

    private static WriterModel run(long seed, Fault fault) {
        WriterModel model = new WriterModel(seed, fault);
        try {
            model.learn(InodeId.ROOT, LeaseMode.WRITE);
            for (int step = 0; step < STEPS; step++) {
                step(model);
            }
            model.crash();
            model.drain();
            model.crash();
        } catch (AssertionError | RuntimeException e) {
            if (fault == Fault.NONE) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage(), e);
            }
            throw e;
        }
        return model;
    }

    private static void step(WriterModel model) {
        int kind = model.random.nextInt(100);
        Caller caller = CALLERS[model.random.nextInt(CALLERS.length)];
        if (kind < 80) {
            model.call(command(model, true), caller);
        } else if (kind < 90) {
            LeaseMode mode = model.random.nextInt(4) == 0 ? LeaseMode.READ : LeaseMode.WRITE;
            model.learn(anyInode(model), mode);
        } else if (kind < 91) {
            model.otherCall(command(model, false), caller);
        } else if (kind < 92) {
            model.recall(anyInode(model));
        } else if (kind < 98) {
            model.maybeSend();
        } else if (kind < 99) {
            model.crash();
        } else {
            model.drain();
        }
    }

    private static InodeId anyInode(WriterModel model) {
        List<InodeRow> rows = model.shown.inodes();
        return rows.get(model.random.nextInt(rows.size())).id();
    }

    private static InodeId anyDirectory(WriterModel model) {
        List<InodeRow> rows = model.shown.inodes().stream().filter(InodeRow::isDirectory).toList();
        return model.random.nextInt(30) == 0
                ? anyInode(model)
                : rows.get(model.random.nextInt(rows.size())).id();
    }

    private static Name anyName(WriterModel model) {
        return Name.of(NAMES[model.random.nextInt(NAMES.length)]);
    }

    private static NamespaceCommand<?> command(WriterModel model, boolean numbered) {
        InodeId directory = anyDirectory(model);
        Name name = anyName(model);
        return switch (model.random.nextInt(16)) {
            case 0, 1, 2, 3 -> create(model, numbered);
            case 4, 5 -> new UnlinkCommand(directory, name, model.random.nextBoolean());
            case 6, 7, 8 ->
                    new RenameCommand(
                            directory,
                            name,
                            model.random.nextInt(3) == 0 ? anyDirectory(model) : directory,
                            anyName(model),
                            model.random.nextInt(5) == 0 ? model.random.nextInt(4) : 0);
            case 9 -> new LinkCommand(anyInode(model), directory, name);
            case 10, 11 -> setAttributes(model);
            case 12 -> {
                String xattr = XATTRS[model.random.nextInt(XATTRS.length)];
                byte[] value = ("v" + model.random.nextInt(9)).getBytes(StandardCharsets.UTF_8);
                int flags = model.random.nextInt(3);
                yield new SetXattrCommand(anyInode(model), Name.of(xattr), value, flags, false);
            }
            case 13 ->
                    new RemoveXattrCommand(
                            anyInode(model), Name.of(XATTRS[model.random.nextInt(XATTRS.length)]));
            case 14 ->
                    new WriteBackCommand(
                            anyInode(model),
                            model.random.nextInt(10_000),
                            model.now,
                            0,
                            model.random.nextInt(3),
                            model.random.nextInt(4) == 0,
                            0);
            default -> new PinCommand(anyInode(model), model.random.nextBoolean());
        };
    }

    private static CreateCommand create(WriterModel model, boolean numbered) {
        FileType[] types = {
            FileType.REGULAR,
            FileType.REGULAR,
            FileType.DIRECTORY,
            FileType.DIRECTORY,
            FileType.SYMLINK,
            FileType.FIFO
        };
        int[] modes = {0755, 0644, 0777, 01777, 02775, 04755, 0700};
        FileType type = types[model.random.nextInt(types.length)];
        String target = type == FileType.SYMLINK ? "../x" : "";
        return new CreateCommand(
                anyDirectory(model),
                anyName(model),
                type.modeBits() | modes[model.random.nextInt(modes.length)],
                model.random.nextBoolean() ? 022 : 0,
                0,
                target.getBytes(StandardCharsets.UTF_8),
                false,
                true,
                numbered ? model.nextInode() : 0);
    }

    private static SetAttributesCommand setAttributes(WriterModel model) {
        int what = model.random.nextInt(4);
        return new SetAttributesCommand(
                anyInode(model),
                what == 0 ? (Integer) model.random.nextInt(010000) : null,
                what == 1 ? (Integer) 1000 : null,
                what == 1 ? (Integer) 50 : null,
                null,
                what == 2 ? (Long) model.now : null,
                what == 2 ? (Long) (model.now - 5) : null,
                null,
                what == 3,
                what == 3,
                false,
                what == 1,
                0);
    }
}
