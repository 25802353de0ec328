package org.keelfs.client.meta;

import com.google.protobuf.MessageLite;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.ForceReply;
import org.keelfs.wire.proto.MetadataProto.ForceRequest;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.RenewReply;
import org.keelfs.wire.proto.MetadataProto.RenewRequest;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;

/**
 * A metadata server at the end of its {@link RpcCaller} that keeps a log of commands, loses an end
 * of it that was not forced whenever it crashes, and fills the gap with commands of others. Answers
 * come late, in any order, also from a process that has crashed since. Guarded by itself.
 */
final class CrashingServer implements RpcCaller {
    private static final long SESSION = 5;
    private static final int DELAY_MAX_MS = 4;

    /** A command of the session, or {@link #others}: null. */
    private record Entry(long sequence, Command command, long acknowledged) {}

    private final List<Entry> log = new ArrayList<>();

    /** Sequences in the log, and the highest that it acknowledges. */
    private final Set<Long> done = new HashSet<>();

    private long acknowledged;
    private final ScheduledExecutorService answers;
    private final Random random;
    private long incarnation = 1;
    private long reclaimed = 1;
    private int forced;
    private boolean up = true;

    CrashingServer(long seed, ScheduledExecutorService answers) {
        random = new Random(seed);
        this.answers = answers;
    }

    /** The process ends; what it had not forced is lost from anywhere on. */
    synchronized void crash() {
        int kept = forced + random.nextInt(log.size() - forced + 1);
        log.subList(kept, log.size()).clear();
        done.clear();
        acknowledged = 0;
        for (Entry each : log) {
            done.add(each.sequence);
            acknowledged = Math.max(acknowledged, each.acknowledged);
        }
        up = false;
    }

    synchronized void start() {
        forced = log.size();
        incarnation++;
        up = true;
        // Other mounts were first.
        for (int i = random.nextInt(30); i > 0; i--) {
            log.add(new Entry(0, Command.getDefaultInstance(), 0));
        }
        if (random.nextBoolean()) {
            forced = log.size();
        }
    }

    /** Commands of the session in the order in which they took effect. */
    synchronized List<Command> commands() {
        return log.stream().filter(e -> e.sequence != 0).map(Entry::command).toList();
    }

    synchronized List<Command> forcedCommands() {
        return log.subList(0, forced).stream()
                .filter(e -> e.sequence != 0)
                .map(Entry::command)
                .toList();
    }

    /** Whether the session has said that it has reclaimed from this process. */
    synchronized boolean isReclaimed() {
        return reclaimed == incarnation;
    }

    @Override
    public CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        var answer = new CompletableFuture<RpcReply>();
        long requestMs;
        long answerMs;
        synchronized (this) {
            requestMs = random.nextInt(DELAY_MAX_MS);
            answerMs = random.nextInt(DELAY_MAX_MS);
        }
        answers.schedule(
                () -> {
                    try {
                        MessageLite reply = answer(method, body);
                        answers.schedule(
                                () ->
                                        answer.complete(
                                                new RpcReply(
                                                        ByteBuffer.wrap(reply.toByteArray()),
                                                        PayloadBuffer.EMPTY)),
                                answerMs,
                                TimeUnit.MILLISECONDS);
                    } catch (RpcException e) {
                        answer.completeExceptionally(e);
                    }
                },
                requestMs,
                TimeUnit.MILLISECONDS);
        return answer;
    }

    private synchronized MessageLite answer(RpcMethod method, MessageLite body) {
        if (!up) {
            throw new RpcException(RpcStatus.UNREACHABLE, "down");
        }
        return switch (method) {
            case OPEN_SESSION -> open();
            case RENEW -> renew((RenewRequest) body);
            case SUBMIT -> submit((SubmitRequest) body);
            case FORCE -> force((ForceRequest) body);
            default -> throw new RpcException(RpcStatus.REFUSED, method.name());
        };
    }

    private OpenSessionReply open() {
        return Replies.opened(SESSION).setServerIncarnation(incarnation).build();
    }

    private RenewReply renew(RenewRequest request) {
        reclaimed = request.getReclaimedIncarnation();
        // Clients keep what is not forced: it is, sooner or later, also when nobody asks.
        forced = Math.max(forced, log.size() - random.nextInt(100));
        return RenewReply.newBuilder()
                .setForcedPosition(forced)
                .setServerIncarnation(incarnation)
                .build();
    }

    private ForceReply force(ForceRequest request) {
        requireKnown(request.getServerIncarnation());
        forced = (int) Math.max(forced, Math.min(log.size(), request.getPosition()));
        return ForceReply.newBuilder().setForcedPosition(forced).build();
    }

    private SubmitReply submit(SubmitRequest request) {
        requireKnown(request.getServerIncarnation());
        long sequence = request.getFirstSequence();
        var reply = SubmitReply.newBuilder();
        long known = acknowledged;
        for (Command command : request.getCommandsList()) {
            long each = sequence++;
            // As SubmitCommand has it: what is acknowledged is done, its answer forgotten.
            if (each > known && done.add(each)) {
                log.add(new Entry(each, command, request.getAcknowledgedSequence()));
                acknowledged = Math.max(acknowledged, request.getAcknowledgedSequence());
            }
            reply.addResults(CommandResult.getDefaultInstance());
        }
        return reply.setPosition(log.size()).build();
    }

    private void requireKnown(long known) {
        if (known != incarnation) {
            throw new RpcException(RpcStatus.BUSY, "restarted");
        }
    }
}
