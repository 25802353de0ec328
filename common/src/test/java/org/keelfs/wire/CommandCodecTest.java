package org.keelfs.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.InvalidProtocolBufferException;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.Attributes;
import org.keelfs.model.Caller;
import org.keelfs.model.FileType;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.namespace.CloneCommand;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.LinkCommand;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.PinCommand;
import org.keelfs.namespace.RemoveXattrCommand;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.SetAttributesCommand;
import org.keelfs.namespace.SetXattrCommand;
import org.keelfs.namespace.TrimmedCommand;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.WriteBackCommand;
import org.keelfs.wire.proto.MetadataProto.Command;

/** Commands and outcomes, there and back through bytes. */
class CommandCodecTest {
    private final Random random = new Random(5);

    @Test
    void commandsComeBackAsTheyWere() throws InvalidProtocolBufferException {
        for (int i = 0; i < 600; i++) {
            Caller caller =
                    new Caller(
                            1 + random.nextInt(9),
                            random.nextInt(),
                            new int[] {-1, 5},
                            random.nextLong());
            var issued = new IssuedCommand(caller, random.nextLong(), command(i % 11));
            Command encoded = Command.parseFrom(CommandCodec.encode(issued).toByteArray());
            IssuedCommand back = CommandCodec.decode(encoded);
            assertEquals(caller, back.caller());
            assertEquals(issued.timeNs(), back.timeNs());
            assertSame(issued.command(), back.command());
        }
    }

    /** Records with arrays are equal only by identity. */
    private static void assertSame(NamespaceCommand<?> expected, NamespaceCommand<?> actual) {
        if (expected instanceof CreateCommand e && actual instanceof CreateCommand a) {
            assertArrayEquals(e.target(), a.target());
            assertEquals(
                    new CreateCommand(
                            e.parent(),
                            e.name(),
                            e.mode(),
                            e.umask(),
                            e.rdev(),
                            a.target(),
                            e.unnamed(),
                            e.open(),
                            e.inode()),
                    a);
        } else if (expected instanceof SetXattrCommand e && actual instanceof SetXattrCommand a) {
            assertArrayEquals(e.value(), a.value());
            assertEquals(
                    new SetXattrCommand(e.inode(), e.name(), a.value(), e.flags(), e.killSgid()),
                    a);
        } else {
            assertEquals(expected, actual);
        }
    }

    private InodeId inode() {
        return new InodeId(random.nextLong());
    }

    private Name name() {
        return Name.of(bytes());
    }

    private byte[] bytes() {
        byte[] bytes = new byte[random.nextInt(40)];
        random.nextBytes(bytes);
        return bytes;
    }

    private boolean flip() {
        return random.nextBoolean();
    }

    private Integer maybeInt() {
        return flip() ? random.nextInt() : null;
    }

    private Long maybeLong() {
        return flip() ? random.nextLong() : null;
    }

    private NamespaceCommand<?> command(int kind) {
        return switch (kind) {
            case 0 ->
                    new CreateCommand(
                            inode(),
                            name(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            bytes(),
                            flip(),
                            flip(),
                            random.nextLong());
            case 1 -> new LinkCommand(inode(), inode(), name());
            case 2 -> new UnlinkCommand(inode(), name(), flip());
            case 3 -> new RenameCommand(inode(), name(), inode(), name(), random.nextInt());
            case 4 ->
                    new SetAttributesCommand(
                            inode(),
                            maybeInt(),
                            maybeInt(),
                            maybeInt(),
                            maybeLong(),
                            maybeLong(),
                            maybeLong(),
                            maybeInt(),
                            flip(),
                            flip(),
                            flip(),
                            flip(),
                            random.nextLong());
            case 5 -> new SetXattrCommand(inode(), name(), bytes(), random.nextInt(), flip());
            case 6 -> new RemoveXattrCommand(inode(), name());
            case 7 ->
                    new WriteBackCommand(
                            inode(),
                            random.nextLong(),
                            random.nextLong(),
                            random.nextLong(),
                            random.nextLong(),
                            flip(),
                            random.nextLong());
            case 8 -> new PinCommand(inode(), flip());
            case 9 -> new TrimmedCommand(inode(), random.nextLong());
            default ->
                    new CloneCommand(
                            inode(),
                            inode(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextInt(),
                            random.nextLong(),
                            random.nextLong(),
                            flip());
        };
    }

    @Test
    void outcomesComeBackAsTheyWere() {
        for (int i = 0; i < 200; i++) {
            var outcome =
                    new CommandOutcome(
                            flip() ? Errno.ENOSPC : null,
                            attributes(),
                            attributes(),
                            attributes(),
                            attributes(),
                            random.nextLong());
            byte[] recorded = CommandCodec.encode(outcome).toByteArray();
            assertEquals(outcome, CommandCodec.decode(CommandCodec.parseResult(recorded)));
        }
    }

    private Attributes attributes() {
        FileType type = FileType.values()[random.nextInt(FileType.values().length)];
        return flip()
                ? null
                : new Attributes(
                        inode(),
                        type,
                        random.nextInt(4096),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextInt(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextLong(),
                        random.nextInt(),
                        random.nextLong());
    }

    @Test
    void aCommandOfAnUnknownKindIsRefused() {
        var refused =
                assertThrows(
                        FsException.class, () -> CommandCodec.decode(Command.getDefaultInstance()));
        assertEquals(Errno.ENOSYS, refused.errno());
    }
}
