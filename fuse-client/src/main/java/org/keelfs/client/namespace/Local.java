package org.keelfs.client.namespace;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CommandQueue;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.Origin;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.VolumeRow;

/**
 * Runs commands on what the mount knows under its leases and queues them for the server, which must
 * come to the same outcome: the same classes run on the same rows there. No input or output;
 * guarded by the lock of its writer.
 */
final class Local {
    private final MetadataCache cache;
    private final KnownRows known;
    private final VolumeRow volume;
    private final CommandQueue<IssuedCommand> queue;
    private final Set<InodeId> pins = new HashSet<>();
    private SessionRow session;

    Local(
            MetadataCache cache,
            KnownRows known,
            VolumeRow volume,
            SessionRow session,
            CommandQueue<IssuedCommand> queue) {
        this.cache = cache;
        this.known = known;
        this.volume = volume;
        this.session = session;
        this.queue = queue;
    }

    /** Another session took the place of the one before. */
    void begin(SessionRow newSession) {
        session = newSession;
        pins.clear();
    }

    SessionRow session() {
        return session;
    }

    /** Numbers that came with an answer of the server. */
    void learnPool(InodePool granted) {
        session = session.withPool(session.pool().merged(granted));
    }

    /** A command that the server has run changed the pins of this session. */
    void learnPin(InodeId inode, boolean pinned) {
        if (pinned) {
            pins.add(inode);
        } else {
            pins.remove(inode);
        }
    }

    /** The number that the next new inode gets; 0 when there is none left. */
    long nextInode() {
        return session.pool().first();
    }

    /**
     * Runs commands one after the other. Outcomes in their order; a refusal is one when it is the
     * only command. Null: something is not known here, or one of several is refused, and nothing
     * happened.
     *
     * @param bytes of each command in a message
     * @param waitsFor file whose bytes go to the nodes before the first of them, or null
     */
    @Nullable List<CommandOutcome> run(
            List<IssuedCommand> commands,
            List<Integer> bytes,
            @Nullable InodeId waitsFor,
            long nowNs) {
        InodeId making = makes(commands);
        boolean walksUp = commands.stream().anyMatch(c -> walksUp(c.command()));
        var view = new NamespaceView(cache, known, volume, session, pins, making, walksUp);
        List<CommandOutcome> outcomes = new ArrayList<>(commands.size());
        try {
            for (IssuedCommand issued : commands) {
                Origin origin =
                        new Origin(session.id(), volume.id(), issued.caller(), issued.timeNs());
                CommandOutcome outcome = issued.command().run(view, origin);
                if (outcome.errno() != null) {
                    return commands.size() == 1 ? List.of(outcome) : null;
                }
                outcomes.add(outcome);
            }
        } catch (NotKnown unknown) {
            return null;
        }
        view.commit();
        session = view.session();
        view.pinsChanged().forEach(this::learnPin);
        List<InodeId> touched = view.touched();
        for (int i = 0; i < commands.size(); i++) {
            boolean first = i == 0;
            boolean creates = commands.get(i).command() instanceof CreateCommand;
            long _ =
                    queue.add(
                            commands.get(i),
                            outcomes.get(i),
                            touched,
                            creates ? making : null,
                            first ? waitsFor : null,
                            bytes.get(i),
                            nowNs);
        }
        return outcomes;
    }

    private static @Nullable InodeId makes(List<IssuedCommand> commands) {
        for (IssuedCommand issued : commands) {
            if (issued.command() instanceof CreateCommand create && create.inode() != 0) {
                return new InodeId(create.inode());
            }
        }
        return null;
    }

    private static boolean walksUp(NamespaceCommand<?> command) {
        return command instanceof RenameCommand rename
                && !rename.oldParent().equals(rename.newParent());
    }

    /**
     * Whether the server did what was expected of it. An inode of which nothing was expected to be
     * left may live on for another session that has it open.
     */
    static boolean isAsExpected(CommandOutcome expected, CommandOutcome actual) {
        if (expected.equals(actual)) {
            return true;
        }
        boolean livesOn =
                expected.inode() == null
                        && actual.inode() != null
                        && actual.inode().linkCount() == 0;
        return livesOn
                && new CommandOutcome(
                                actual.errno(),
                                null,
                                actual.parent(),
                                actual.otherParent(),
                                actual.moved(),
                                actual.entryPosition())
                        .equals(expected);
    }
}
