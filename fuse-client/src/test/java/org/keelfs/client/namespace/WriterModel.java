package org.keelfs.client.namespace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.cache.CachedDirectory;
import org.keelfs.client.cache.CachedDirectory.Child;
import org.keelfs.client.cache.CachedInode;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CommandQueue;
import org.keelfs.namespace.CommandQueue.Batch;
import org.keelfs.namespace.CommandQueue.Item;
import org.keelfs.namespace.CreateCommand;
import org.keelfs.namespace.EntryRow;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.MemoryTables;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.Origin;
import org.keelfs.namespace.PinCommand;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.RootDirectory;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.namespace.XattrRow;

/**
 * One mount with namespace write-back, a server, and another session, without threads: what
 * programs are answered is compared with tables that get every command at once, and what the server
 * has with the commands that reached it.
 */
final class WriterModel {
    /** How the mount is broken on purpose. */
    enum Fault {
        NONE,
        /** A batch is applied from its end. */
        REVERSED_BATCH,
        /** A lease goes back before what was decided under it is at the server. */
        NO_DRAIN_AT_RECALL,
        /** The cache outlives the lease. */
        CACHE_KEPT_AT_RECALL,
        /** A rename over a name does not wait for the bytes of the renamed file. */
        BYTES_LATE,
        /** The bytes of a removed file are dropped while a rename still waits for them. */
        ABANDONED_EARLY,
        /** One command of a batch is lost. */
        LOST_MIDDLE,
        /** A command that the server decides overtakes those answered before. */
        NO_DRAIN_BEFORE_SUBMIT
    }

    /** What the broken mount did wrong, found. */
    static final class Caught extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Caught(String what) {
            super(what);
        }
    }

    static final SessionId MOUNT = new SessionId(1);
    static final SessionId OTHER = new SessionId(2);
    private static final int VOLUME = 1;
    private static final VolumeRow ROW =
            new VolumeRow(VOLUME, "v", 1 << 20, 3, new byte[0], InodeId.ROOT);

    /** One step as programs saw it: whose, and what. */
    private record Done(SessionId session, IssuedCommand command) {}

    final Random random;
    private final Fault fault;
    private final MemoryTables server = fresh();
    final MemoryTables shown = fresh();
    private final List<Done> answered = new ArrayList<>();
    private int atServer;
    private final MetadataCache cache = new MetadataCache(100_000, 10_000);
    private final Map<InodeId, LeaseMode> leases = new HashMap<>();
    private final Set<InodeId> dirty = new HashSet<>();
    private final Set<InodeId> abandoned = new HashSet<>();
    private final CommandQueue<IssuedCommand> queue = new CommandQueue<>();
    private final Local local;
    long now = 1_000;
    int decidedHere;
    int refusedHere;

    WriterModel(long seed, Fault fault) {
        this.random = new Random(seed);
        this.fault = fault;
        SessionRow session = server.session(MOUNT);
        assertTrue(session != null);
        this.local = new Local(cache, this::covers, ROW, session, queue);
    }

    private static MemoryTables fresh() {
        MemoryTables tables = new MemoryTables();
        tables.putVolume(ROW);
        int unused = RootDirectory.create(tables, VOLUME, 0, 0, 0777, 1).volume();
        assertEquals(VOLUME, unused);
        InodePool pool = InodePool.EMPTY.refilled(tables).refilled(tables);
        for (SessionId id : List.of(MOUNT, OTHER)) {
            SessionRow row =
                    new SessionRow(
                            id, new byte[16], VOLUME, SessionRow.State.OPEN, new byte[0], 0, 0);
            tables.putSession(id.equals(MOUNT) ? row.withPool(pool) : row);
        }
        return tables;
    }

    private boolean covers(InodeId inode, LeaseMode needed) {
        return leases.getOrDefault(inode, LeaseMode.NONE).covers(needed);
    }

    long nextInode() {
        return local.nextInode();
    }

    // ---- programs of the mount ----

    /** A program's call: decided here if possible, else by the server. */
    void call(NamespaceCommand<?> command, Caller caller) {
        IssuedCommand issued = new IssuedCommand(caller, ++now, command);
        InodeId renamed = overwrittenBy(command);
        InodeId bytesFirst = renamed != null && dirty.contains(renamed) ? renamed : null;
        InodeId victim = victimOf(command);
        List<CommandOutcome> outcomes =
                local.run(
                        List.of(issued),
                        List.of(100),
                        fault == Fault.BYTES_LATE ? null : bytesFirst,
                        now);
        if (outcomes != null) {
            CommandOutcome outcome = outcomes.getFirst();
            CommandOutcome expected = show(MOUNT, issued);
            check(
                    Local.isAsExpected(outcome, expected),
                    command + ": " + outcome + ", " + expected);
            if (outcome.errno() == null) {
                decidedHere++;
                answered.add(new Done(MOUNT, issued));
                onDecided(command, outcome);
                if (victim != null && shown.inode(victim) == null) {
                    abandon(victim);
                }
            } else {
                refusedHere++;
            }
            return;
        }
        byServer(new IssuedCommand(caller, now, unnumbered(command)), bytesFirst);
    }

    private void byServer(IssuedCommand issued, @Nullable InodeId bytesFirst) {
        if (fault != Fault.NO_DRAIN_BEFORE_SUBMIT) {
            drain();
        }
        dirty.remove(bytesFirst);
        NamespaceCommand<?> command = issued.command();
        Set<InodeId> touched = touched(server, command);
        touched.forEach(cache::forget);
        CommandOutcome outcome = command.run(server, origin(MOUNT, issued));
        CommandOutcome expected = show(MOUNT, issued);
        check(outcome.equals(expected), command + " at the server: " + outcome);
        if (command instanceof PinCommand pin && outcome.errno() == null) {
            local.learnPin(pin.inode(), pin.pinned());
        }
        if (outcome.errno() == null) {
            answered.add(new Done(MOUNT, issued));
            atServer = answered.size();
        }
        for (InodeId inode : touched) {
            LeaseMode held = leases.getOrDefault(inode, LeaseMode.NONE);
            if (held != LeaseMode.NONE) {
                read(inode, held);
            }
        }
    }

    private static NamespaceCommand<?> unnumbered(NamespaceCommand<?> command) {
        return command instanceof CreateCommand c
                ? new CreateCommand(
                        c.parent(),
                        c.name(),
                        c.mode(),
                        c.umask(),
                        c.rdev(),
                        c.target(),
                        c.unnamed(),
                        c.open())
                : command;
    }

    private @Nullable InodeId victimOf(NamespaceCommand<?> command) {
        EntryRow entry =
                switch (command) {
                    case UnlinkCommand c -> shown.entry(c.parent(), c.name());
                    case RenameCommand c -> shown.entry(c.newParent(), c.newName());
                    default -> null;
                };
        return entry == null ? null : entry.inode();
    }

    /** Nobody here can reach the file any more. */
    private void abandon(InodeId file) {
        if (fault == Fault.ABANDONED_EARLY || !queue.isWaitedFor(file)) {
            abandoned.add(file);
        }
    }

    /** The file that a rename puts over another name. */
    private @Nullable InodeId overwrittenBy(NamespaceCommand<?> command) {
        if (!(command instanceof RenameCommand rename) || rename.flags() != 0) {
            return null;
        }
        EntryRow source = shown.entry(rename.oldParent(), rename.oldName());
        EntryRow victim = shown.entry(rename.newParent(), rename.newName());
        return source != null && victim != null ? source.inode() : null;
    }

    private void onDecided(NamespaceCommand<?> command, CommandOutcome outcome) {
        if (command instanceof CreateCommand && outcome.inode() != null) {
            leases.put(outcome.inode().inode(), LeaseMode.WRITE);
            if (outcome.inode().isRegular() && random.nextBoolean()) {
                dirty.add(outcome.inode().inode());
            }
        }
    }

    private CommandOutcome show(SessionId session, IssuedCommand issued) {
        return issued.command().run(shown, origin(session, issued));
    }

    private static Origin origin(SessionId session, IssuedCommand issued) {
        return new Origin(session, VOLUME, issued.caller(), issued.timeNs());
    }

    private static Set<InodeId> touched(Tables tables, NamespaceCommand<?> command) {
        Set<InodeId> touched = new TreeSet<>((a, b) -> Long.compare(a.value(), b.value()));
        command.forEachTouched(tables, touched::add);
        return touched;
    }

    /** The mount gets a lease on an inode and reads what it covers. */
    void learn(InodeId inode, LeaseMode mode) {
        drain();
        read(inode, mode);
    }

    private void read(InodeId inode, LeaseMode mode) {
        InodeRow row = server.inode(inode);
        if (row == null) {
            return;
        }
        LeaseMode held = leases.getOrDefault(inode, LeaseMode.NONE);
        leases.put(inode, held.covers(mode) ? held : mode);
        Map<Name, byte[]> xattrs = new HashMap<>();
        server.xattrs(inode).forEach(x -> xattrs.put(x.name(), x.value()));
        cache.replace(new CachedInode(row.attributes(), xattrs, row.target()));
        if (row.isDirectory()) {
            CachedDirectory directory = cache.directory(inode);
            long ticket = directory.ticket();
            for (EntryRow e : server.entriesAfter(inode, 0, Integer.MAX_VALUE)) {
                directory.learn(ticket, e.name(), new Child(e.inode(), e.type(), e.position()));
            }
            directory.learnParent(row.parent());
            directory.learnNextPosition(ticket, row.nextPosition());
            directory.learnComplete(ticket);
        }
    }

    // ---- the other session ----

    /** Another mount's call: what it changes is recalled first. */
    void otherCall(NamespaceCommand<?> command, Caller caller) {
        Set<InodeId> recalled = new HashSet<>();
        while (recalled.addAll(touched(server, command))) {
            recalled.forEach(this::recall);
        }
        IssuedCommand issued = new IssuedCommand(caller, ++now, command);
        CommandOutcome outcome = command.run(server, origin(OTHER, issued));
        CommandOutcome expected = show(OTHER, issued);
        // A pin asks for nobody's leave: the attributes that come with its answer may be old.
        boolean same =
                command instanceof PinCommand
                        ? outcome.errno() == expected.errno()
                        : outcome.equals(expected);
        check(same, "another mount saw " + outcome + ", not " + expected);
        if (outcome.errno() == null) {
            if (atServer < answered.size()) {
                // Not recalled by anything it touches: nothing of it can be on its way.
                answered.add(atServer, new Done(OTHER, issued));
            } else {
                answered.add(new Done(OTHER, issued));
            }
            atServer++;
        }
    }

    /** The mount gives a lease back. */
    void recall(InodeId inode) {
        if (leases.remove(inode) == null) {
            return;
        }
        boolean touches = queue.lastTouching(inode) != 0;
        if (fault != Fault.NO_DRAIN_AT_RECALL && touches) {
            drain();
        }
        if (fault != Fault.CACHE_KEPT_AT_RECALL) {
            cache.forget(inode);
        } else {
            leases.put(inode, LeaseMode.WRITE);
        }
    }

    // ---- the way to the server ----

    /** One batch, if it is time. */
    void maybeSend() {
        now += 300_000_000L;
        Batch<IssuedCommand> batch = queue.next(now);
        if (batch != null) {
            deliver(batch);
        }
        queue.invariants();
    }

    void drain() {
        while (!queue.isEmpty()) {
            queue.want(queue.lastNumber());
            Batch<IssuedCommand> batch = queue.next(now);
            check(batch != null, "commands are waited for and not sent");
            if (batch != null) {
                deliver(batch);
            }
        }
        queue.invariants();
        assertSame(shown, server, "after a drain");
        checkCache();
    }

    private void deliver(Batch<IssuedCommand> batch) {
        for (InodeId file : batch.flushes()) {
            check(server.inode(file) != null, "bytes of a file that the server does not know");
            check(!abandoned.contains(file), "bytes were dropped that a name waits for");
            dirty.remove(file);
        }
        List<Item<IssuedCommand>> items = new ArrayList<>(batch.items());
        if (fault == Fault.REVERSED_BATCH) {
            Collections.reverse(items);
        }
        if (fault == Fault.LOST_MIDDLE && items.size() > 2) {
            items.remove(items.size() / 2);
        }
        for (Item<IssuedCommand> item : items) {
            IssuedCommand issued = item.payload();
            checkBytes(issued.command());
            CommandOutcome outcome = issued.command().run(server, origin(MOUNT, issued));
            check(
                    Local.isAsExpected(item.expected(), outcome),
                    issued.command() + ": " + outcome + " instead of " + item.expected());
            atServer++;
        }
        queue.onAnswered(batch);
    }

    /** A name that had bytes never gets a file without its own. */
    private void checkBytes(NamespaceCommand<?> command) {
        if (command instanceof RenameCommand rename && rename.flags() == 0) {
            EntryRow source = server.entry(rename.oldParent(), rename.oldName());
            boolean replaces = server.entry(rename.newParent(), rename.newName()) != null;
            boolean early = source != null && replaces && dirty.contains(source.inode());
            check(!early, "renamed over a name before its bytes: " + source);
        }
    }

    /** The mount is killed: what is at the server is what programs did, up to some point. */
    void crash() {
        MemoryTables prefix = fresh();
        for (Done done : answered.subList(0, atServer)) {
            CommandOutcome outcome =
                    done.command.command().run(prefix, origin(done.session, done.command));
            check(outcome.errno() == null, "not a prefix: " + done + " " + outcome);
        }
        assertSame(prefix, server, "after a crash");
    }

    // ---- comparing ----

    private void checkCache() {
        leases.forEach(
                (inode, mode) -> {
                    CachedInode cached = cache.inode(inode);
                    InodeRow row = server.inode(inode);
                    if (cached != null && row != null) {
                        check(
                                cached.attributes().equals(row.attributes()),
                                "cached " + cached.attributes() + ", is " + row.attributes());
                    }
                    CachedDirectory directory = cache.directoryIfPresent(inode);
                    if (directory != null && row != null && directory.nextPosition() > 0) {
                        check(
                                directory.nextPosition() == row.nextPosition(),
                                "the counter of " + inode + " differs");
                    }
                });
    }

    private static void assertSame(MemoryTables expected, MemoryTables actual, String when) {
        String one = picture(expected);
        String other = picture(actual);
        check(one.equals(other), when + ":\n" + one + "\nbut\n" + other);
    }

    private static String picture(MemoryTables tables) {
        StringBuilder lines = new StringBuilder();
        for (InodeRow row : tables.inodes()) {
            Map<Long, String> entries = new TreeMap<>();
            for (EntryRow e : tables.entriesAfter(row.id(), 0, Integer.MAX_VALUE)) {
                entries.put(e.position(), e.name() + "=" + e.inode());
            }
            Map<String, String> xattrs = new TreeMap<>();
            for (XattrRow x : tables.xattrs(row.id())) {
                xattrs.put(x.name().toString(), new String(x.value(), StandardCharsets.UTF_8));
            }
            lines.append(row.attributes())
                    .append(row.parent())
                    .append(row.nextPosition())
                    .append(row.xattrBits())
                    .append(row.xattrBytes())
                    .append(new String(row.target(), StandardCharsets.UTF_8))
                    .append(entries)
                    .append(xattrs)
                    .append('\n');
        }
        return lines.toString();
    }

    private static void check(boolean holds, String otherwise) {
        if (!holds) {
            throw new Caught(otherwise);
        }
    }
}
