package org.keelfs.namespace;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Invariant;
import org.keelfs.model.InodeId;

/**
 * Commands that a mount has answered to its programs and that the server has yet to hear of: one
 * sequence, sent in order in batches, one batch at a time, so that a crash of the mount loses a
 * suffix and never a middle (DESIGN section 4, namespace write-back). Confined to its driver's
 * lock.
 *
 * <p>A command may wait for bytes: a rename over an existing name goes to the server only when the
 * data of the renamed file is at the nodes. What follows it waits too.
 *
 * @param <P> what the driver sends for a command
 */
public final class CommandQueue<P> {
    /** The server takes as many in one batch. */
    public static final int BATCH_COMMANDS_MAX = 1024;

    /** A batch with its answers stays far below a frame. */
    public static final int BATCH_BYTES_MAX = 256 * 1024;

    /** As many are worth a round trip at once. */
    static final int BIG_COMMANDS = 256;

    /** Commands that wait; beyond it programs wait. About 1 KiB each. */
    public static final int COMMANDS_MAX = 16 * 1024;

    /** Bytes of commands that wait: extended attributes and targets make some large. */
    static final long BYTES_MAX = 8L << 20;

    /**
     * Age at which a command is sent: long enough to gather a batch, short against the 5 s that
     * DESIGN promises.
     */
    static final long AGE_NS = 200_000_000L;

    /**
     * A command answered ahead.
     *
     * @param number its place, from 1
     * @param payload for the driver
     * @param expected what the server has to answer
     * @param touched inodes that it changed or that its answer depends on
     * @param made number of the inode that it makes, or null
     * @param waitsFor the file whose bytes go first, or null
     * @param bytes about what it takes in a message
     * @param sinceNs when it was answered
     */
    public record Item<P>(
            long number,
            P payload,
            CommandOutcome expected,
            List<InodeId> touched,
            @Nullable InodeId made,
            @Nullable InodeId waitsFor,
            int bytes,
            long sinceNs) {}

    /**
     * What is to be sent next, after the bytes of these files.
     *
     * @param flushes files that are known to the server
     * @param items in order
     */
    public record Batch<P>(Set<InodeId> flushes, List<Item<P>> items) {}

    private final ArrayDeque<Item<P>> waiting = new ArrayDeque<>();

    /** Number of the last command in the queue, or in flight, that touches an inode. */
    private final Map<InodeId, Long> lastTouching = new LinkedHashMap<>();

    /** Number of the command that makes an inode which the server does not know yet. */
    private final Map<InodeId, Long> making = new LinkedHashMap<>();

    /** Files whose bytes unanswered commands wait for; how many do. */
    private final Map<InodeId, Integer> waitedFor = new LinkedHashMap<>();

    private @Nullable Batch<P> inFlight;
    private long lastNumber;
    private long answered;
    private long wanted;
    private long waitingBytes;

    /** Appends a command; returns its number. */
    public long add(
            P payload,
            CommandOutcome expected,
            List<InodeId> touched,
            @Nullable InodeId made,
            @Nullable InodeId waitsFor,
            int bytes,
            long nowNs) {
        long number = ++lastNumber;
        waiting.add(new Item<>(number, payload, expected, touched, made, waitsFor, bytes, nowNs));
        waitingBytes += bytes;
        for (InodeId inode : touched) {
            lastTouching.put(inode, number);
        }
        if (made != null) {
            making.put(made, number);
        }
        if (waitsFor != null) {
            waitedFor.merge(waitsFor, 1, Integer::sum);
        }
        return number;
    }

    /** Whether another command is to wait for room. */
    public boolean isFull() {
        return waiting.size() >= COMMANDS_MAX || waitingBytes >= BYTES_MAX;
    }

    /** Number of the last command; 0 before the first. */
    public long lastNumber() {
        return lastNumber;
    }

    /** Everything up to here is answered, or lost. */
    public long answered() {
        return answered;
    }

    public boolean isEmpty() {
        return answered == lastNumber;
    }

    /** Number of the last unanswered command that touches the inode; 0 for none. */
    public long lastTouching(InodeId inode) {
        return lastTouching.getOrDefault(inode, 0L);
    }

    /** Number of the unanswered command that makes the inode; 0 for none. */
    public long making(InodeId inode) {
        return making.getOrDefault(inode, 0L);
    }

    /**
     * Whether unanswered commands wait for the bytes of this file: they are to be kept, also when
     * the file has no name here any more, for at the server it has one until then.
     */
    public boolean isWaitedFor(InodeId file) {
        return waitedFor.containsKey(file);
    }

    /** Somebody waits for the answers up to this one. */
    public void want(long number) {
        wanted = Math.max(wanted, Math.min(number, lastNumber));
    }

    /** When {@link #next} has something to give; {@link Long#MAX_VALUE}: nothing now. */
    public long nextDeadlineNs(long nowNs) {
        Item<P> first = waiting.peekFirst();
        if (first == null || inFlight != null) {
            return Long.MAX_VALUE;
        }
        boolean now = wanted >= first.number || waiting.size() >= BIG_COMMANDS;
        return now ? nowNs : first.sinceNs + AGE_NS;
    }

    /**
     * The batch to be sent now, or null. Until it is answered there is no other: two on their way
     * could overtake each other.
     */
    public @Nullable Batch<P> next(long nowNs) {
        if (nextDeadlineNs(nowNs) > nowNs) {
            return null;
        }
        List<Item<P>> items = new ArrayList<>();
        Set<InodeId> flushes = new LinkedHashSet<>();
        long bytes = 0;
        for (Item<P> item : waiting) {
            InodeId file = item.waitsFor;
            boolean full =
                    items.size() == BATCH_COMMANDS_MAX || bytes + item.bytes > BATCH_BYTES_MAX;
            // Bytes of a file have no place before the server knows the file.
            boolean early = file != null && making.containsKey(file);
            if (!items.isEmpty() && (full || early)) {
                break;
            }
            Invariant.check(!early, "command %d waits for its own making", item.number);
            items.add(item);
            bytes += item.bytes;
            if (file != null) {
                flushes.add(file);
            }
        }
        for (Item<P> item : items) {
            waiting.removeFirst();
            waitingBytes -= item.bytes;
        }
        inFlight = new Batch<>(flushes, List.copyOf(items));
        return inFlight;
    }

    /** A batch is answered; one that was lost meanwhile changes nothing. */
    @SuppressWarnings("ReferenceEquality") // the batch itself, not one like it
    public void onAnswered(Batch<P> batch) {
        if (inFlight != batch) {
            return;
        }
        inFlight = null;
        for (Item<P> item : batch.items) {
            Invariant.check(item.number == answered + 1, "%d after %d", item.number, answered);
            answered = item.number;
            forget(item);
        }
    }

    private void forget(Item<P> item) {
        for (InodeId inode : item.touched) {
            lastTouching.remove(inode, item.number);
        }
        if (item.made != null) {
            making.remove(item.made);
        }
        if (item.waitsFor != null) {
            waitedFor.computeIfPresent(item.waitsFor, (_, n) -> n == 1 ? null : n - 1);
        }
    }

    /** The session is gone: nothing of this will be sent. Returns what is lost, in order. */
    public List<Item<P>> onLost() {
        List<Item<P>> lost = new ArrayList<>();
        if (inFlight != null) {
            lost.addAll(inFlight.items);
        }
        lost.addAll(waiting);
        inFlight = null;
        waiting.clear();
        waitingBytes = 0;
        lastTouching.clear();
        making.clear();
        waitedFor.clear();
        answered = lastNumber;
        return lost;
    }

    /** Laws that hold between any two inputs. */
    public void invariants() {
        long number = answered;
        long bytes = 0;
        if (inFlight != null) {
            for (Item<P> item : inFlight.items) {
                Invariant.check(item.number == ++number, "a gap in flight");
            }
        }
        for (Item<P> item : waiting) {
            Invariant.check(item.number == ++number, "a gap in the queue");
            bytes += item.bytes;
        }
        Invariant.check(number == lastNumber, "commands are missing");
        Invariant.check(bytes == waitingBytes, "bytes are counted wrong");
        for (long touching : lastTouching.values()) {
            Invariant.check(touching > answered, "an answered command is remembered");
        }
    }
}
