package org.keelfs.client.vfs;

import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.FsException;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.wire.proto.MetadataProto.Command;

/** Changes of directories that this mount decides itself, under its leases. */
final class LocalAnswers {
    private final VfsContext vfs;
    private final Adoption adoption;

    LocalAnswers(VfsContext vfs, Adoption adoption) {
        this.vfs = vfs;
        this.adoption = adoption;
    }

    /**
     * The outcome of the last of these commands when this mount can decide it under its leases, a
     * refusal as an exception; null when the server has to.
     *
     * @param bytesFirst a file whose bytes the server's copy of the commands waits for, or null
     * @param one directory that changes
     * @param other likewise, or the same
     */
    @Nullable CommandOutcome tryAnswer(
            Call call,
            List<Command> commands,
            @Nullable InodeId bytesFirst,
            InodeId one,
            InodeId other) {
        if (!vfs.names().isEnabled()) {
            return null;
        }
        prepare(call, one, other);
        return tryAnswer(commands, bytesFirst);
    }

    /** The same for a command that makes an inode; {@code whenMade} runs before others know it. */
    @Nullable CommandOutcome tryCreate(
            Call call, Command create, InodeId parent, Consumer<InodeId> whenMade) {
        if (!vfs.names().isEnabled()) {
            return null;
        }
        prepare(call, parent, parent);
        return answer(vfs.names().tryLocal(List.of(create), null, whenMade));
    }

    /** What may wait, in front of commands that change these directories. */
    void prepare(Call call, InodeId one, InodeId other) {
        if (!vfs.names().hasRoom()) {
            call.beforeWait();
            vfs.names().awaitRoom();
        }
        adoption.beforeChange(call, one);
        if (!other.equals(one)) {
            adoption.beforeChange(call, other);
        }
    }

    /** The same, prepared before. Never waits. */
    @Nullable CommandOutcome tryAnswer(List<Command> commands, @Nullable InodeId bytesFirst) {
        return answer(vfs.names().tryLocal(commands, bytesFirst));
    }

    private static @Nullable CommandOutcome answer(@Nullable List<CommandOutcome> outcomes) {
        CommandOutcome last = outcomes == null ? null : outcomes.getLast();
        if (last != null && last.errno() != null) {
            throw new FsException(last.errno());
        }
        return last;
    }
}
