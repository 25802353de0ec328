package org.keelfs.client.namespace;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.cache.MetadataCache;
import org.keelfs.client.lease.Leases;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.MetadataSession.Submitted;
import org.keelfs.lease.LeaseMode;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.namespace.CommandQueue;
import org.keelfs.namespace.CommandQueue.Batch;
import org.keelfs.namespace.CommandQueue.Item;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.VolumeRow;
import org.keelfs.wire.CommandCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All commands of a mount go through here. What can be decided under its leases is answered at once
 * and sent later, in order ({@link CommandQueue}); everything else waits for the server, behind
 * what was answered before. Thread-safe: one lock, held for microseconds and never while waiting
 * for anything but itself.
 *
 * <p>Whoever returns a lease first waits for the queue: what was decided under the lease is at the
 * server then. The queue itself waits for no lease, since every inode that it changes is held for
 * writing until then, and a command on such an inode passes all others at the server.
 */
public final class NamespaceWriter {
    private static final Logger LOG = LoggerFactory.getLogger(NamespaceWriter.class);

    private final MetadataSession session;
    private final Leases leases;
    private final MetadataCache cache;
    private final Executor blocking;
    private final boolean enabled;
    private final long timeoutMs;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition moved = lock.newCondition();
    private final CommandQueue<IssuedCommand> queue = new CommandQueue<>();

    /** Inodes that commands change which wait for the server's answer; how many do. */
    private final Map<InodeId, Integer> inFlux = new HashMap<>();

    /** What is to be done when a command is answered, by its number. */
    private final TreeMap<Long, List<Runnable>> later = new TreeMap<>();

    private final UntoldErrors errors = new UntoldErrors();
    private @Nullable Local local;
    private @Nullable NamespaceEvents events;
    private boolean sending;

    /**
     * Whether nothing waits and nothing is being decided, for those who need not lock then. Not so
     * any more before a lease is looked at: whoever gives one back, and has made that known before,
     * either sees this or is seen.
     */
    private volatile boolean idle = true;

    /**
     * @param blocking runs the one task that sends
     * @param enabled false: every command waits for the server (sync_namespace)
     * @param timeoutMs an operation as the kernel sees it; then EIO
     */
    public NamespaceWriter(
            MetadataSession session,
            Leases leases,
            MetadataCache cache,
            Executor blocking,
            boolean enabled,
            long timeoutMs) {
        this.session = session;
        this.leases = leases;
        this.cache = cache;
        this.blocking = blocking;
        this.enabled = enabled;
        this.timeoutMs = timeoutMs;
    }

    /** Before the first command; the session is open. */
    public void attach(NamespaceEvents vfs) {
        lock.lock();
        try {
            events = vfs;
            VolumeInfo v = session.volume();
            var volume =
                    new VolumeRow(
                            v.getId(),
                            v.getName(),
                            v.getChunkBytes(),
                            v.getReplicas(),
                            new byte[0],
                            new InodeId(v.getRoot()));
            local = new Local(cache, this::isKnown, volume, sessionRow(), queue);
        } finally {
            lock.unlock();
        }
    }

    private SessionRow sessionRow() {
        return new SessionRow(
                        new org.keelfs.model.SessionId(session.id()),
                        new byte[0],
                        session.volume().getId(),
                        SessionRow.State.OPEN,
                        new byte[0],
                        0,
                        0)
                .withPool(InodePool.EMPTY.merged(session.inodePool()));
    }

    private boolean isKnown(InodeId inode, LeaseMode needed) {
        return leases.covers(inode, needed) && !inFlux.containsKey(inode);
    }

    private Local local() {
        Local l = local;
        if (l == null) {
            throw new IllegalStateException("the namespace writer is not attached");
        }
        return l;
    }

    /** After an eviction there is another session, with other numbers. */
    private Local localOfSession() {
        Local l = local();
        if (l.session().id().value() != session.id()) {
            l.begin(sessionRow());
        }
        return l;
    }

    private NamespaceEvents events() {
        NamespaceEvents e = events;
        if (e == null) {
            throw new IllegalStateException("the namespace writer is not attached");
        }
        return e;
    }

    // ---- answered here ----

    /** Whether commands are answered here at all. */
    public boolean isEnabled() {
        return enabled;
    }

    /** Whether there is room for another command; never waits. */
    public boolean hasRoom() {
        lock.lock();
        try {
            return !queue.isFull();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for room in the queue. */
    public void awaitRoom() {
        long deadlineNs = System.nanoTime() + timeoutMs * 1_000_000;
        lock.lock();
        try {
            while (queue.isFull()) {
                queue.want(queue.lastNumber());
                maybeSend();
                awaitMove(deadlineNs);
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Answers commands under this mount's leases; never waits. Outcomes in their order, a refusal
     * being one; null when the server has to decide.
     *
     * @param commands one, or several that belong together
     * @param waitsFor a file whose bytes have to be at the nodes before the server hears of the
     *     commands, or null
     */
    public @Nullable List<CommandOutcome> tryLocal(
            List<Command> commands, @Nullable InodeId waitsFor) {
        return tryLocal(commands, waitsFor, _ -> {});
    }

    /**
     * The same.
     *
     * @param whenMade told of the inode that a command makes, before anybody else can know it
     */
    public @Nullable List<CommandOutcome> tryLocal(
            List<Command> commands, @Nullable InodeId waitsFor, Consumer<InodeId> whenMade) {
        if (!enabled) {
            return null;
        }
        List<Integer> bytes = commands.stream().map(Command::getSerializedSize).toList();
        lock.lock();
        try {
            idle = false;
            return queue.isFull() ? null : runLocally(commands, bytes, waitsFor, whenMade);
        } finally {
            idle = queue.isEmpty();
            lock.unlock();
        }
    }

    private @Nullable List<CommandOutcome> runLocally(
            List<Command> commands,
            List<Integer> bytes,
            @Nullable InodeId waitsFor,
            Consumer<InodeId> whenMade) {
        Local l = localOfSession();
        List<IssuedCommand> issued = new ArrayList<>(commands.size());
        InodeId made = null;
        for (Command command : commands) {
            Command numbered = command;
            if (command.hasCreate()) {
                long number = nextInode(l);
                if (number == 0) {
                    return null;
                }
                made = new InodeId(number);
                numbered =
                        command.toBuilder()
                                .setCreate(command.getCreate().toBuilder().setInode(number))
                                .build();
            }
            issued.add(CommandCodec.decode(numbered));
        }
        List<CommandOutcome> outcomes = l.run(issued, bytes, waitsFor, System.nanoTime());
        if (outcomes != null && outcomes.getLast().errno() == null) {
            onAnswered(made, outcomes, whenMade);
        }
        return outcomes;
    }

    private long nextInode(Local l) {
        l.learnPool(session.inodePool());
        return l.nextInode();
    }

    private void onAnswered(
            @Nullable InodeId made, List<CommandOutcome> outcomes, Consumer<InodeId> whenMade) {
        var attributes = outcomes.getLast().inode();
        if (made != null && attributes != null) {
            leases.onMade(made);
            events().onMade(attributes);
            whenMade.accept(made);
        }
        maybeSend();
    }

    // ---- answered by the server ----

    /** Inodes that a command under way changes; closed when the caches know its answer. */
    public interface Flux extends AutoCloseable {
        @Override
        void close();
    }

    /** A command that the server has to decide is about to change these. */
    public Flux flux(Collection<InodeId> inodes) {
        List<InodeId> marked = List.copyOf(inodes);
        lock.lock();
        try {
            marked.forEach(inode -> inFlux.merge(inode, 1, Integer::sum));
        } finally {
            lock.unlock();
        }
        return () -> endFlux(marked);
    }

    private void endFlux(List<InodeId> marked) {
        lock.lock();
        try {
            marked.forEach(
                    inode -> inFlux.computeIfPresent(inode, (_, n) -> n == 1 ? null : n - 1));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets the server decide, behind everything answered before. What the commands change is in
     * {@link #flux} from before this call until the caches know the answers.
     */
    public Submitted submit(List<Command> commands) {
        drain();
        Submitted submitted = session.submit(commands);
        for (int i = 0; i < commands.size(); i++) {
            if (commands.get(i).hasPin() && submitted.results().get(i).getErrno() == 0) {
                var pin = commands.get(i).getPin();
                lock.lock();
                try {
                    local().learnPin(new InodeId(pin.getInode()), pin.getPinned());
                } finally {
                    lock.unlock();
                }
            }
        }
        return submitted;
    }

    /** One command; its errno as an FsException. */
    public CommandResult submitOne(Command command) {
        return MetadataSession.orThrow(submit(List.of(command)).results().get(0));
    }

    // ---- waiting for the server ----

    /** Waits until everything answered before this call is at the server, or lost. */
    public void drain() {
        if (idle) {
            return;
        }
        lock.lock();
        try {
            await(queue.lastNumber());
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the server knows these inodes. */
    public void awaitMade(Collection<InodeId> inodes) {
        if (idle) {
            return;
        }
        lock.lock();
        try {
            long last = 0;
            for (InodeId inode : inodes) {
                last = Math.max(last, queue.making(inode));
            }
            await(last);
        } finally {
            lock.unlock();
        }
    }

    /** Whether the server knows this inode; else it soon will. Never waits. */
    public boolean isMadeOrWanted(InodeId inode) {
        if (idle) {
            return true;
        }
        lock.lock();
        try {
            long making = queue.making(inode);
            if (making != 0) {
                queue.want(making);
                maybeSend();
            }
            return making == 0;
        } finally {
            lock.unlock();
        }
    }

    /** Whether the server has not heard of everything that concerns the inode. */
    public boolean isPending(InodeId inode) {
        if (idle) {
            return false;
        }
        lock.lock();
        try {
            return queue.lastTouching(inode) != 0;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Runs an action that ends a file here: at once, or, where commands wait for its bytes, when
     * the server has answered all there is now.
     */
    public void whenUnneeded(InodeId file, Runnable action) {
        lock.lock();
        try {
            if (queue.isWaitedFor(file)) {
                later.computeIfAbsent(queue.lastNumber(), _ -> new ArrayList<>()).add(action);
                return;
            }
        } finally {
            lock.unlock();
        }
        action.run();
    }

    /** The lock is held. */
    private void startLater() {
        var due = later.headMap(queue.answered(), true);
        due.values().forEach(actions -> actions.forEach(blocking::execute));
        due.clear();
    }

    private void await(long number) {
        long deadlineNs = System.nanoTime() + timeoutMs * 1_000_000;
        while (queue.answered() < number) {
            queue.want(number);
            maybeSend();
            awaitMove(deadlineNs);
        }
    }

    @SuppressWarnings("WaitNotInLoop") // the loops are the callers'
    private void awaitMove(long deadlineNs) {
        long leftNs = deadlineNs - System.nanoTime();
        if (leftNs <= 0) {
            throw new FsException(Errno.EIO, "the metadata server does not take the changes");
        }
        try {
            boolean _ = moved.await(leftNs, TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR, "interrupted");
        }
    }

    /** What became of an answered change of this inode, told once: null when it is safe. */
    public @Nullable Errno takeError(InodeId inode) {
        return errors.take(inode);
    }

    // ---- sending ----

    /** To be called several times a second: sends what is old enough. */
    public void onTick() {
        if (idle) {
            return;
        }
        lock.lock();
        try {
            maybeSend();
        } finally {
            lock.unlock();
        }
    }

    /** The lock is held. */
    private void maybeSend() {
        long now = System.nanoTime();
        if (!sending && queue.nextDeadlineNs(now) <= now) {
            sending = true;
            blocking.execute(this::send);
        }
    }

    private void send() {
        try {
            Next next = nextBatch();
            while (next != null) {
                flush(next.batch.flushes());
                deliver(next);
                next = nextBatch();
            }
        } catch (RuntimeException e) {
            LOG.error("Changes of the namespace are held up", e);
            lock.lock();
            try {
                sending = false;
                moved.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** A batch, and the session under whose leases it was decided: no other may send it. */
    private record Next(long session, Batch<IssuedCommand> batch) {}

    private @Nullable Next nextBatch() {
        lock.lock();
        try {
            Batch<IssuedCommand> batch = queue.next(System.nanoTime());
            sending = batch != null;
            return batch == null ? null : new Next(session.id(), batch);
        } finally {
            lock.unlock();
        }
    }

    /**
     * What could not be written is reported by the data path, and lost if the mount ends; names do
     * not wait for it longer than an operation may.
     */
    private void flush(Set<InodeId> files) {
        for (InodeId file : files) {
            try {
                events().flush(file);
            } catch (FsException e) {
                LOG.error("{}: renamed before its bytes were written: {}", file, e.getMessage());
            }
        }
    }

    private void deliver(Next next) {
        Batch<IssuedCommand> batch = next.batch;
        List<Command> commands = new ArrayList<>(batch.items().size());
        for (Item<IssuedCommand> item : batch.items()) {
            commands.add(CommandCodec.encode(item.payload()));
        }
        Submitted submitted = session.submitUntilAnswered(next.session, commands);
        if (submitted == null) {
            // The session is over, and its queue with it.
            return;
        }
        Set<InodeId> refused = new LinkedHashSet<>();
        for (int i = 0; i < commands.size(); i++) {
            Item<IssuedCommand> item = batch.items().get(i);
            CommandResult result = submitted.results().get(i);
            CommandOutcome actual = CommandCodec.decode(result);
            InodeId made = item.made();
            if (!Local.isAsExpected(item.expected(), actual)) {
                if (refused.isEmpty()) {
                    LOG.error(
                            "The server came to another outcome of {}: {} instead of {}",
                            item.payload(),
                            actual,
                            item.expected());
                }
                refused.addAll(item.touched());
            }
            if (made != null && !leases.onMadeGranted(made, result.getLease())) {
                blocking.execute(() -> leases.onGrantMissing(made));
            }
        }
        if (!refused.isEmpty()) {
            onRefused(refused);
        }
        lock.lock();
        try {
            queue.onAnswered(batch);
            startLater();
            idle = queue.isEmpty();
            moved.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Must not happen. Nothing that hangs on it is believed any longer, and programs are told. */
    private void onRefused(Set<InodeId> inodes) {
        inodes.forEach(cache::forget);
        errors.note(inodes);
        events().onLost(List.copyOf(inodes), Errno.EIO);
    }

    // ---- the session ----

    /**
     * The session is gone, and its leases were given up before this call: what it had not sent is
     * lost, a suffix of what programs did.
     */
    public void onSessionLost() {
        List<Item<IssuedCommand>> lost;
        lock.lock();
        try {
            lost = queue.onLost();
            startLater();
            idle = true;
            moved.signalAll();
        } finally {
            lock.unlock();
        }
        if (lost.isEmpty()) {
            return;
        }
        LOG.error("{} changes of the namespace are lost with the session", lost.size());
        Set<InodeId> inodes = new LinkedHashSet<>();
        lost.forEach(item -> inodes.addAll(item.touched()));
        errors.note(inodes);
        events().onLost(List.copyOf(inodes), Errno.EIO);
    }
}
