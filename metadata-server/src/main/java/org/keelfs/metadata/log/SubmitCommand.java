package org.keelfs.metadata.log;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.Origin;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;
import org.keelfs.wire.CommandCodec;
import org.keelfs.wire.proto.MetadataProto.CommandResult;

/**
 * A batch of namespace commands of one session, each applied exactly once: its answer is recorded
 * in the same write as its effect, and a sequence number that has an answer gets that answer.
 * Batches of a session may come in any order. Refused with ESTALE when the session is not open.
 *
 * @param session who submits
 * @param firstSequence of the first command, from 1
 * @param commands up to {@link #COMMANDS_MAX}
 * @param acknowledgedSequence the client has all answers up to here: they are forgotten
 */
public record SubmitCommand(
        SessionId session,
        long firstSequence,
        List<IssuedCommand> commands,
        long acknowledgedSequence)
        implements MetadataCommand<List<CommandResult>> {
    /** Bounds the time for which one record keeps others waiting to some ten milliseconds. */
    public static final int COMMANDS_MAX = 1024;

    public SubmitCommand {
        commands = List.copyOf(commands);
    }

    /** Answers in the order of the commands, without leases. */
    @Override
    public List<CommandResult> apply(Tables tables) {
        SessionRow row = tables.session(session);
        if (row == null || row.state() != SessionRow.State.OPEN) {
            throw new FsException(Errno.ESTALE, "session " + session + " is not open");
        }
        if (firstSequence < 1 || commands.size() > COMMANDS_MAX) {
            throw new FsException(Errno.EINVAL, "bad batch of session " + session);
        }
        List<CommandResult> results = new ArrayList<>(commands.size());
        long sequence = firstSequence;
        for (IssuedCommand issued : commands) {
            results.add(answer(tables, row, sequence++, issued));
        }
        long acknowledged = Math.max(row.acknowledgedSequence(), acknowledgedSequence);
        long answered = Math.max(row.answeredSequence(), sequence - 1);
        long forgetEnd = Math.min(acknowledged, answered) + 1;
        if (forgetEnd > row.acknowledgedSequence() + 1) {
            tables.deleteReplies(session, row.acknowledgedSequence() + 1, forgetEnd);
        }
        // The commands may have taken inode numbers.
        SessionRow now = tables.session(session);
        InodePool pool = (now == null ? row : now).pool();
        InodePool refilled = pool.equals(row.pool()) ? pool : pool.refilled(tables);
        tables.putSession(row.withPool(refilled).withSequences(answered, acknowledged));
        return results;
    }

    private CommandResult answer(
            Tables tables, SessionRow row, long sequence, IssuedCommand issued) {
        if (sequence <= row.acknowledgedSequence()) {
            return CommandResult.getDefaultInstance();
        }
        if (sequence <= row.answeredSequence()) {
            byte[] recorded = tables.reply(session, sequence);
            if (recorded != null) {
                return CommandCodec.parseResult(recorded);
            }
        }
        Origin origin = new Origin(session, row.volume(), issued.caller(), issued.timeNs());
        CommandResult result = CommandCodec.encode(issued.command().run(tables, origin));
        tables.putReply(session, sequence, result.toByteArray());
        return result;
    }
}
