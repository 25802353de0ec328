package org.keelfs.client.meta;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.namespace.InodePool;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcHandler;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.CloseSessionRequest;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.ForceReply;
import org.keelfs.wire.proto.MetadataProto.ForceRequest;
import org.keelfs.wire.proto.MetadataProto.LockNoticeReply;
import org.keelfs.wire.proto.MetadataProto.LockNoticeRequest;
import org.keelfs.wire.proto.MetadataProto.OpenSessionReply;
import org.keelfs.wire.proto.MetadataProto.OpenSessionRequest;
import org.keelfs.wire.proto.MetadataProto.Recall;
import org.keelfs.wire.proto.MetadataProto.RecallReply;
import org.keelfs.wire.proto.MetadataProto.RecallRequest;
import org.keelfs.wire.proto.MetadataProto.RenewReply;
import org.keelfs.wire.proto.MetadataProto.RenewRequest;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;
import org.keelfs.wire.proto.MetadataProto.VolumeInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mount's session with the metadata server: calls with retries inside the operation's deadline,
 * commands exactly once, renewal, and what happens when the session or the server's process goes.
 * Thread-safe; calls wait on virtual threads.
 */
public final class MetadataSession implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(MetadataSession.class);

    /** First wait before a call is sent again; it doubles up to {@link #BACK_OFF_MAX_MS}. */
    private static final long BACK_OFF_MS = 20;

    /** A server that restarts is found within this. */
    private static final long BACK_OFF_MAX_MS = 500;

    /**
     * Heartbeat while answered commands wait to be reported forced (DESIGN section 6: within 1 s).
     */
    private static final long BUSY_RENEW_MS = 1_000;

    /** One attempt to renew. */
    private static final long RENEW_ATTEMPT_MS = 5_000;

    private final SessionConfig config;
    private final SessionListener listener;
    private final RpcCaller rpc;
    private final ServerRecovery recovery;
    private final ScheduledExecutorService timer;
    private final Executor blocking;
    private final ReentrantLock opening = new ReentrantLock();
    private final AtomicBoolean renewing = new AtomicBoolean();
    private volatile @Nullable OpenSession session;
    private volatile long validUntilNs;
    private volatile long serverAheadMs;
    private final AtomicLong progress = new AtomicLong();
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean closed;
    private @Nullable ScheduledFuture<?> renewal;

    /**
     * @param connect connects to the metadata server with a handler for what it calls
     * @param timer runs short tasks
     * @param blocking runs tasks that wait, each on a thread of its own
     */
    public MetadataSession(
            SessionConfig config,
            SessionListener listener,
            Function<RpcHandler, ? extends RpcCaller> connect,
            ScheduledExecutorService timer,
            Executor blocking) {
        this.config = config;
        this.listener = listener;
        this.timer = timer;
        this.blocking = blocking;
        this.rpc = connect.apply(this::onRequest);
        this.recovery =
                new ServerRecovery(
                        rpc,
                        listener,
                        s -> isCurrent(s.id) && !closed,
                        s -> onSessionGone(s.id),
                        () -> backOff(BACK_OFF_MAX_MS));
    }

    /** Opens the session; ENOENT when there is no such volume. */
    public void open() {
        openNew();
        renewal =
                timer.scheduleWithFixedDelay(
                        this::maybeRenew, BUSY_RENEW_MS, BUSY_RENEW_MS, TimeUnit.MILLISECONDS);
    }

    public long id() {
        return current().id;
    }

    /** Changes when the server restarts, before {@link SessionListener#onServerRestarted}. */
    public long serverIncarnation() {
        return current().incarnation;
    }

    public VolumeInfo volume() {
        return current().volume;
    }

    /** {@link System#nanoTime()} until which leases may be used. */
    public long leasesValidUntilNs() {
        return validUntilNs;
    }

    /** Milliseconds since 1970 by the server's clock. */
    public long serverTimeMs() {
        return System.currentTimeMillis() + serverAheadMs;
    }

    /**
     * A recall is being served and bytes went out: keeps the server from taking the flush for
     * stuck.
     */
    public void noteProgress() {
        progress.incrementAndGet();
    }

    /**
     * Calls until an answer comes or the operation's deadline is over.
     *
     * @param body made for each attempt from the session's number
     */
    public <M extends MessageLite> M call(
            RpcMethod method, Function<Long, MessageLite> body, Parser<M> parser) {
        return call(method, body, parser, true);
    }

    private <M extends MessageLite> M call(
            RpcMethod method,
            Function<Long, MessageLite> body,
            Parser<M> parser,
            boolean inAnySession) {
        long deadlineNs = System.nanoTime() + config.operationTimeoutMs() * 1_000_000;
        long backOffMs = BACK_OFF_MS;
        while (true) {
            long id = current().id;
            long leftMs = Math.max(1, (deadlineNs - System.nanoTime()) / 1_000_000);
            try {
                RpcReply reply =
                        Waits.await(
                                rpc.call(method, body.apply(id), leftMs),
                                leftMs + 100,
                                "metadata server, " + method);
                return Waits.decoded(reply, parser);
            } catch (RpcException e) {
                if (e.status() == RpcStatus.SESSION_GONE) {
                    onSessionGone(id);
                    if (!inAnySession) {
                        throw new SessionGoneException(method);
                    }
                } else if (!isWorthAnotherTry(e.status())) {
                    throw new FsException(Errno.EIO, method + ": " + e.getMessage());
                }
                noteBusy(e);
                if (System.nanoTime() + backOffMs * 1_000_000 >= deadlineNs || closed) {
                    LOG.warn("{}: gave up after the deadline: {}", method, e.getMessage());
                    throw new FsException(Errno.EIO, method + ": " + e.getMessage());
                }
                backOff(backOffMs);
                backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
            }
        }
    }

    /**
     * Calls until an answer comes or the operation's deadline is over, as long as this session is
     * the current one.
     *
     * @return null when it is not: what the call was about is gone with it
     */
    public <M extends MessageLite> @Nullable M callWithin(
            long sessionId, RpcMethod method, MessageLite body, Parser<M> parser) {
        try {
            if (current().id != sessionId) {
                return null;
            }
            return call(method, _ -> body, parser, false);
        } catch (SessionGoneException _) {
            return null;
        } catch (FsException e) {
            if (isCurrent(sessionId)) {
                throw e;
            }
            return null;
        }
    }

    private static boolean isWorthAnotherTry(RpcStatus status) {
        return switch (status) {
            case UNREACHABLE, BUSY, DEADLINE, CANCELLED -> true;
            case OK, REFUSED, SESSION_GONE, CAPABILITY_EXPIRED, FAILED -> false;
        };
    }

    /** Waits before the next attempt; a closing session ends the wait. */
    private void backOff(long ms) {
        try {
            boolean _ = ended.await(ms, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new FsException(Errno.EINTR, "interrupted");
        }
    }

    /** Results of commands that were applied in order, and the log position of the last. */
    public record Submitted(List<CommandResult> results, long position) {}

    /**
     * Sends commands, exactly once; their results stand in their order, each with its own errno.
     */
    public Submitted submit(List<Command> commands) {
        OpenSession in = current();
        long first = in.commands.begin(commands.size());
        var sent = new AtomicReference<SubmitRequest>();
        try {
            SubmitReply reply;
            do {
                reply =
                        call(
                                RpcMethod.SUBMIT,
                                _ -> {
                                    sent.set(request(in, first, commands));
                                    return sent.get();
                                },
                                SubmitReply.parser(),
                                false);
            } while (!in.commands.onAnswered(sent.get(), reply.getPosition()));
            return new Submitted(reply.getResultsList(), reply.getPosition());
        } catch (RuntimeException e) {
            in.commands.onGivenUp(first);
            throw e;
        }
    }

    /** The same, but only as this session: EIO when it has ended. */
    public Submitted submitIn(long sessionId, List<Command> commands) {
        if (id() != sessionId) {
            throw new FsException(Errno.EIO, "the session was evicted");
        }
        return submit(commands);
    }

    /** Runs a task that may wait, on a thread of its own. */
    public void execute(Runnable task) {
        blocking.execute(task);
    }

    /**
     * Sends commands that were answered to programs already, exactly once, however long it takes.
     * Null: the session they belong to is over, or closing, and their outcome is unknown.
     */
    public @Nullable Submitted submitUntilAnswered(long sessionId, List<Command> commands) {
        OpenSession in = current();
        if (in.id != sessionId) {
            return null;
        }
        long first = in.commands.begin(commands.size());
        long backOffMs = BACK_OFF_MS;
        while (isCurrent(in.id) && !closed) {
            SubmitRequest request = request(in, first, commands);
            try {
                var reply = ServerRecovery.submit(rpc, request, config.operationTimeoutMs());
                if (in.commands.onAnswered(request, reply.getPosition())) {
                    in.learnPool(reply);
                    return new Submitted(reply.getResultsList(), reply.getPosition());
                }
            } catch (RpcException e) {
                if (e.status() == RpcStatus.SESSION_GONE) {
                    onSessionGone(in.id);
                    return null;
                }
                if (isWorthAnotherTry(e.status())) {
                    noteBusy(e);
                    LOG.debug("SUBMIT: {}, trying again", e.getMessage());
                } else {
                    LOG.error("The metadata server does not take commands: {}", e.getMessage());
                }
            } catch (FsException e) {
                if (e.errno() == Errno.EINTR) {
                    return null;
                }
                LOG.warn("SUBMIT: {}, trying again", e.getMessage());
            }
            backOff(backOffMs);
            backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
        }
        return null;
    }

    /**
     * Inode numbers that the server last said this session may use; it may have used some since.
     */
    public InodePool inodePool() {
        return current().pool;
    }

    private SubmitRequest request(OpenSession in, long first, List<Command> commands) {
        return SubmitRequest.newBuilder()
                .setSession(in.id)
                .setFirstSequence(first)
                .addAllCommands(commands)
                .setAcknowledgedSequence(in.commands.acknowledged())
                .setServerIncarnation(in.incarnation)
                .build();
    }

    /** One command; its errno as an FsException. */
    public CommandResult submitOne(Command command) {
        return orThrow(submit(List.of(command)).results().get(0));
    }

    /** The result, or its errno as an FsException. */
    public static CommandResult orThrow(CommandResult result) {
        if (result.getErrno() != 0) {
            throw new FsException(Errno.of(result.getErrno()));
        }
        return result;
    }

    /**
     * Makes every command that was answered so far survive a power cut. EIO when the session they
     * belong to is gone.
     */
    public void force() {
        OpenSession in = current();
        if (in.commands.isEmpty()) {
            return;
        }
        var asked = new AtomicReference<ForceRequest>();
        ForceReply reply =
                call(
                        RpcMethod.FORCE,
                        id -> {
                            if (id != in.id) {
                                throw new FsException(Errno.EIO, "the session was evicted");
                            }
                            // After a restart the same commands stand elsewhere in the log.
                            asked.set(
                                    ForceRequest.newBuilder()
                                            .setServerIncarnation(in.incarnation)
                                            .setPosition(in.commands.position())
                                            .build());
                            return asked.get();
                        },
                        ForceReply.parser());
        in.commands.onForced(asked.get().getServerIncarnation(), reply.getForcedPosition());
    }

    private OpenSession current() {
        OpenSession s = session;
        if (s == null) {
            throw new FsException(Errno.EIO, "no session with the metadata server");
        }
        return s;
    }

    /** Waits for nobody who is at it already: the caller may hold a file that the end waits for. */
    private void onSessionGone(long id) {
        if (!opening.tryLock()) {
            return;
        }
        try {
            OpenSession s = session;
            if (closed || s == null || s.id != id) {
                return;
            }
            LOG.warn("Session {} is gone: caches are dropped, unsent bytes are lost", id);
            validUntilNs = System.nanoTime();
            listener.onSessionLost();
            openNew();
        } finally {
            opening.unlock();
        }
    }

    private void openNew() {
        opening.lock();
        try {
            long askedNs = System.nanoTime();
            OpenSessionRequest request =
                    OpenSessionRequest.newBuilder()
                            .setVolume(config.volume())
                            .setMountId(ByteString.copyFrom(config.mountId()))
                            .setReplacesPredecessor(true)
                            .build();
            OpenSessionReply reply = openReply(request);
            if (reply.getErrno() != 0) {
                throw new FsException(Errno.of(reply.getErrno()), reply.getMessage());
            }
            listener.onSessionOpened(reply.getLeaseFloor());
            session = new OpenSession(reply);
            noteServerTime(reply.getServerTimeMs());
            extend(askedNs, reply.getLeaseTermMs());
        } finally {
            opening.unlock();
        }
    }

    private OpenSessionReply openReply(OpenSessionRequest request) {
        long deadlineNs = System.nanoTime() + config.operationTimeoutMs() * 1_000_000;
        while (true) {
            try {
                RpcReply reply =
                        Waits.await(
                                rpc.call(RpcMethod.OPEN_SESSION, request, RENEW_ATTEMPT_MS),
                                RENEW_ATTEMPT_MS + 100,
                                "metadata server, OPEN_SESSION");
                return Waits.decoded(reply, OpenSessionReply.parser());
            } catch (RpcException e) {
                if (!isWorthAnotherTry(e.status()) || System.nanoTime() > deadlineNs) {
                    throw new FsException(Errno.EIO, "cannot open a session: " + e.getMessage(), e);
                }
                backOff(BACK_OFF_MAX_MS);
            }
        }
    }

    private void extend(long askedNs, long termMs) {
        validUntilNs = askedNs + (termMs - config.leaseMarginMs()) * 1_000_000;
    }

    private void noteServerTime(long serverTimeMs) {
        serverAheadMs = serverTimeMs - System.currentTimeMillis();
    }

    // ---- renewal ----

    private void maybeRenew() {
        OpenSession s = session;
        if (s == null || closed) {
            return;
        }
        long leftMs = (validUntilNs - System.nanoTime()) / 1_000_000;
        long renewAtMs = s.leaseTermMs - config.leaseMarginMs() - s.renewMs;
        boolean due = leftMs <= renewAtMs || !s.commands.isEmpty() || s.isBehind();
        if (due) {
            renewNow(s);
        }
    }

    private void renewNow(OpenSession s) {
        if (renewing.compareAndSet(false, true)) {
            blocking.execute(() -> renew(s));
        }
    }

    /** A restarted server says BUSY to who does not know it: the next renewal tells. */
    private void noteBusy(RpcException e) {
        OpenSession s = session;
        if (e.status() == RpcStatus.BUSY && s != null && !closed) {
            renewNow(s);
        }
    }

    private void renew(OpenSession s) {
        try {
            long askedNs = System.nanoTime();
            RenewRequest request =
                    RenewRequest.newBuilder()
                            .setSession(s.id)
                            .setProgress(progress.get())
                            // Only what recover has finished: the server waits for this.
                            .setReclaimedIncarnation(s.reclaimedIncarnation)
                            .build();
            RpcReply raw =
                    Waits.await(
                            rpc.call(RpcMethod.RENEW, request, RENEW_ATTEMPT_MS),
                            RENEW_ATTEMPT_MS + 100,
                            "metadata server, RENEW");
            RenewReply reply = Waits.decoded(raw, RenewReply.parser());
            extend(askedNs, s.leaseTermMs);
            noteServerTime(reply.getServerTimeMs());
            s.newestIncarnation = reply.getServerIncarnation();
            s.commands.onForced(reply.getServerIncarnation(), reply.getForcedPosition());
            if (s.isBehind() && s.recovering.compareAndSet(false, true)) {
                blocking.execute(() -> recover(s));
            }
        } catch (RpcException e) {
            if (e.status() == RpcStatus.SESSION_GONE) {
                onSessionGone(s.id);
            } else {
                LOG.debug("Renewal failed: {}", e.getMessage());
            }
        } catch (FsException e) {
            LOG.debug("Renewal failed: {}", e.getMessage());
        } finally {
            renewing.set(false);
        }
    }

    /** Renewals go on beside it: they keep the session, and tell when the server restarts again. */
    private void recover(OpenSession s) {
        try {
            recovery.run(s);
        } catch (FsException e) {
            LOG.warn("What a restarted server may have lost was not sent: {}", e.getMessage());
        } finally {
            s.recovering.set(false);
        }
        maybeRenew();
    }

    // ---- calls from the server ----

    private void onRequest(RpcRequest request) {
        switch (request.method()) {
            case RECALL -> onRecall(request);
            case LOCK_NOTICE -> {
                LockNoticeRequest notice = request.decode(LockNoticeRequest.parser());
                if (isCurrent(notice.getSession())) {
                    blocking.execute(() -> listener.onLockNotice(notice));
                }
                request.reply(LockNoticeReply.getDefaultInstance());
            }
            default ->
                    request.fail(RpcStatus.REFUSED, "a mount does not answer " + request.method());
        }
    }

    private boolean isCurrent(long sessionId) {
        OpenSession s = session;
        return s != null && s.id == sessionId;
    }

    private void onRecall(RpcRequest request) {
        RecallRequest recalls = request.decode(RecallRequest.parser());
        if (isCurrent(recalls.getSession())) {
            for (Recall recall : recalls.getRecallsList()) {
                blocking.execute(() -> listener.onRecall(recall));
            }
        }
        request.reply(RecallReply.getDefaultInstance());
    }

    /** Asynchronous form of {@link #call}. */
    public <M extends MessageLite> CompletableFuture<M> callAsync(
            RpcMethod method, Function<Long, MessageLite> body, Parser<M> parser) {
        return CompletableFuture.supplyAsync(() -> call(method, body, parser), blocking);
    }

    /** Ends the session cleanly: leases must have been returned or need no hand-over. */
    @Override
    public void close() {
        OpenSession s = session;
        closed = true;
        ended.countDown();
        if (renewal != null) {
            renewal.cancel(false);
        }
        if (s == null) {
            return;
        }
        try {
            Waits.await(
                            rpc.call(
                                    RpcMethod.CLOSE_SESSION,
                                    CloseSessionRequest.newBuilder().setSession(s.id).build(),
                                    RENEW_ATTEMPT_MS),
                            RENEW_ATTEMPT_MS,
                            "CLOSE_SESSION")
                    .release();
        } catch (RuntimeException e) {
            LOG.warn(
                    "The session could not be closed, the server will evict it: {}",
                    e.getMessage());
        }
    }
}
