package org.keelfs.metadata;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.lease.LeaseMode;
import org.keelfs.lease.LeaseNeed;
import org.keelfs.lease.LeaseState;
import org.keelfs.metadata.gc.FenceCommand;
import org.keelfs.metadata.gc.FencedCommand;
import org.keelfs.metadata.gc.Fencer;
import org.keelfs.metadata.layout.Epochs;
import org.keelfs.metadata.lease.LeaseDriver;
import org.keelfs.metadata.lease.OperationDriver;
import org.keelfs.metadata.log.MetadataLog;
import org.keelfs.metadata.log.SubmitCommand;
import org.keelfs.metadata.log.Submitted;
import org.keelfs.metadata.session.Sessions.Session;
import org.keelfs.model.ChunkId;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.ChunkRow;
import org.keelfs.namespace.CloneCommand;
import org.keelfs.namespace.Evicted;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.InodeRow;
import org.keelfs.namespace.IssuedCommand;
import org.keelfs.namespace.NamespaceCommand;
import org.keelfs.namespace.PinCommand;
import org.keelfs.namespace.RenameCommand;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.SetAttributesCommand;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.UnlinkCommand;
import org.keelfs.namespace.WriteBackCommand;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.CommandCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes batches of namespace commands: has the leases of others on what they change recalled,
 * fences what an evicted session could still reach, submits the batch as one record, answers.
 * Confined to the service's executor.
 */
final class SubmitService {
    private static final Logger LOG = LoggerFactory.getLogger(SubmitService.class);

    /** Chunks of one file looked at for a fence. Beyond it the garbage collector fences. */
    private static final int FENCED_CHUNKS_MAX = 4096;

    private final MetadataLog log;
    private final Executor executor;
    private final LeaseDriver leases;
    private final OperationDriver operations;
    private final Epochs epochs;
    private final Fencer fencer;
    private final long incarnation;
    private final Map<Key, Batch> running = new HashMap<>();
    private long commandCount;
    private boolean anyEvicted;

    SubmitService(
            MetadataLog log,
            Executor executor,
            LeaseDriver leases,
            OperationDriver operations,
            Epochs epochs,
            Fencer fencer,
            long incarnation) {
        this.log = log;
        this.executor = executor;
        this.leases = leases;
        this.operations = operations;
        this.epochs = epochs;
        this.fencer = fencer;
        this.incarnation = incarnation;
        this.anyEvicted = log.read(Evicted::isAny);
    }

    private record Key(SessionId session, long firstSequence) {}

    /** A batch on its way; a retry takes the place of the call that it repeats. */
    private static final class Batch {
        final Key key;
        final Session session;
        final SubmitRequest request;
        final List<IssuedCommand> commands;
        RpcRequest rpc;
        Set<InodeId> touched = new LinkedHashSet<>();

        Batch(Key key, Session session, SubmitRequest request, RpcRequest rpc) {
            this.key = key;
            this.session = session;
            this.request = request;
            this.rpc = rpc;
            this.commands = new ArrayList<>(request.getCommandsCount());
            for (Command command : request.getCommandsList()) {
                commands.add(CommandCodec.decode(command));
            }
        }
    }

    /** Commands applied since the start. */
    long commandCount() {
        return commandCount;
    }

    /** From here on chunks are looked at before they are dropped. */
    void onEvicted() {
        anyEvicted = true;
    }

    void submit(RpcRequest rpc, Session session, SubmitRequest request) {
        if (request.getServerIncarnation() != incarnation) {
            rpc.fail(
                    RpcStatus.BUSY,
                    "the metadata server has restarted: send what was not forced again first");
            return;
        }
        if (request.getCommandsCount() > SubmitCommand.COMMANDS_MAX
                || request.getFirstSequence() < 1) {
            rpc.fail(RpcStatus.REFUSED, "bad batch");
            return;
        }
        Key key = new Key(session.id(), request.getFirstSequence());
        Batch earlier = running.get(key);
        if (earlier != null) {
            RpcRequest before = earlier.rpc;
            earlier.rpc = rpc;
            before.fail(RpcStatus.CANCELLED, "sent again");
            return;
        }
        Batch batch = new Batch(key, session, request, rpc);
        running.put(key, batch);
        clear(batch);
    }

    /** 1. Nobody else may cache what is about to change. */
    private void clear(Batch batch) {
        batch.touched = log.read(tables -> touched(tables, batch));
        boolean stores = batch.commands.stream().allMatch(SubmitService::isStore);
        List<LeaseNeed> needs =
                batch.touched.stream().map(stores ? LeaseNeed::store : LeaseNeed::clear).toList();
        leases.request(
                batch.session.id(),
                needs,
                batch.request.getSentAgain(),
                new LeaseDriver.Waiter() {
                    @Override
                    public void granted(long token, List<LeaseState> states) {
                        onClear(batch, token);
                    }

                    @Override
                    public void refused() {
                        end(batch);
                        batch.rpc.fail(RpcStatus.SESSION_GONE, "the session is over");
                    }

                    @Override
                    public RpcRequest call() {
                        return batch.rpc;
                    }

                    @Override
                    public void expired() {
                        end(batch);
                        LeaseDriver.Waiter.super.expired();
                    }
                });
    }

    /** What a holder of SHARED tells beside others: it changes nothing that they may not see. */
    private static boolean isStore(IssuedCommand issued) {
        return issued.command() instanceof WriteBackCommand
                || issued.command() instanceof PinCommand;
    }

    private static Set<InodeId> touched(Tables tables, Batch batch) {
        Set<InodeId> touched = new LinkedHashSet<>();
        long sequence = batch.key.firstSequence();
        for (IssuedCommand issued : batch.commands) {
            boolean answered = tables.reply(batch.session.id(), sequence++) != null;
            if (!answered) {
                issued.command().forEachTouched(tables, touched::add);
            }
        }
        return touched;
    }

    private void onClear(Batch batch, long token) {
        Set<InodeId> now = log.read(tables -> touched(tables, batch));
        if (!batch.touched.containsAll(now)) {
            // While it waited, names came to mean other inodes.
            leases.applied(token);
            clear(batch);
            return;
        }
        List<ChunkRow> exposed =
                anyEvicted ? log.read(tables -> exposedChunks(tables, batch)) : List.of();
        if (exposed.isEmpty()) {
            apply(batch, token);
        } else {
            fence(batch, token, exposed);
        }
    }

    /** 2. Chunks that would be dropped and that an evicted session could still reach (rule R11). */
    private static List<ChunkRow> exposedChunks(Tables tables, Batch batch) {
        Set<InodeId> losing = new LinkedHashSet<>();
        for (IssuedCommand issued : batch.commands) {
            NamespaceCommand<?> command = issued.command();
            boolean drops =
                    command instanceof UnlinkCommand
                            || command instanceof RenameCommand
                            || command instanceof CloneCommand
                            || (command instanceof SetAttributesCommand set && set.size() != null);
            if (drops) {
                command.forEachTouched(tables, losing::add);
            }
        }
        List<ChunkRow> exposed = new ArrayList<>();
        for (InodeId id : losing) {
            InodeRow row = tables.inode(id);
            if (row != null && row.attributes().isRegular()) {
                for (Tables.ChunkPlace place : tables.chunksFrom(id, 0, FENCED_CHUNKS_MAX)) {
                    ChunkRow chunk = tables.chunk(place.chunk());
                    if (chunk != null && Evicted.couldReach(tables, chunk)) {
                        exposed.add(chunk);
                    }
                }
            }
        }
        return exposed;
    }

    private void fence(Batch batch, long token, List<ChunkRow> exposed) {
        List<ChunkId> chunks = exposed.stream().map(ChunkRow::id).toList();
        List<Long> fresh = exposed.stream().map(_ -> epochs.draw()).toList();
        leases.stamp(epochs.last());
        var _ =
                log.submit(new FenceCommand(chunks, fresh))
                        .thenCompose(
                                done -> log.force(done.position()).thenApply(_ -> done.result()))
                        .thenComposeAsync(this::promiseAll, executor)
                        .thenCompose(fences -> log.submit(new FencedCommand(fences)))
                        .whenCompleteAsync(
                                (_, failure) -> {
                                    if (failure == null) {
                                        apply(batch, token);
                                        return;
                                    }
                                    LOG.warn(
                                            "Cannot fence what an evicted mount may still write: {}",
                                            Failures.cause(failure).getMessage());
                                    leases.applied(token);
                                    end(batch);
                                    batch.rpc.fail(
                                            RpcStatus.BUSY,
                                            "no majority of storage nodes for a fence");
                                },
                                executor);
    }

    private CompletableFuture<List<FencedCommand.Fence>> promiseAll(List<ChunkRow> rows) {
        List<CompletableFuture<Void>> promises = rows.stream().map(fencer::fence).toList();
        return CompletableFuture.allOf(promises.toArray(CompletableFuture<?>[]::new))
                .thenApply(
                        _ ->
                                rows.stream()
                                        .map(row -> new FencedCommand.Fence(row.id(), row.epoch()))
                                        .toList());
    }

    /** 3. One record. */
    private void apply(Batch batch, long token) {
        var command =
                new SubmitCommand(
                        batch.session.id(),
                        batch.key.firstSequence(),
                        batch.commands,
                        batch.request.getAcknowledgedSequence());
        var _ =
                log.submit(command)
                        .whenCompleteAsync(
                                (done, failure) -> {
                                    // Before others look: the grants that belong to the answer.
                                    SubmitReply reply = failure == null ? reply(batch, done) : null;
                                    leases.applied(token);
                                    endOperations(batch);
                                    end(batch);
                                    if (reply != null) {
                                        batch.rpc.reply(reply);
                                    } else {
                                        fail(batch, failure);
                                    }
                                },
                                executor);
    }

    /** Operation locks that were held until the sizes here are known. */
    private void endOperations(Batch batch) {
        for (Command command : batch.request.getCommandsList()) {
            var value = command.getWriteBack();
            if (value.getOperation() != 0) {
                operations.release(
                        batch.session.id(),
                        new InodeId(value.getInode()),
                        value.getOperation(),
                        value.getTrimmed());
            }
        }
    }

    private static void fail(Batch batch, Throwable failure) {
        boolean gone =
                Failures.cause(failure) instanceof FsException e && e.errno() == Errno.ESTALE;
        if (gone) {
            batch.rpc.fail(RpcStatus.SESSION_GONE, "the session is over");
        } else {
            Failures.answer(batch.rpc, failure);
        }
    }

    private SubmitReply reply(Batch batch, Submitted<List<CommandResult>> done) {
        commandCount += done.result().size();
        var reply = SubmitReply.newBuilder().setPosition(done.position());
        boolean numbered = false;
        for (int i = 0; i < done.result().size(); i++) {
            CommandResult result = done.result().get(i);
            Command command = batch.request.getCommands(i);
            boolean opens =
                    command.hasCreate()
                            && command.getCreate().getOpen()
                            && result.getErrno() == 0
                            && result.hasInode();
            reply.addResults(opens ? withLease(batch, command, result) : result);
            numbered |= command.getCreate().getInode() != 0;
        }
        if (numbered) {
            SessionRow row = log.read(tables -> tables.session(batch.session.id()));
            reply.setInodePool(Wire.encode(row == null ? InodePool.EMPTY : row.pool()));
        }
        return reply.build();
    }

    /**
     * Who chose the number of the inode works with it since: it gets the lease whatever the bounds
     * are. After a restart it reclaims the lease itself.
     */
    private CommandResult withLease(Batch batch, Command command, CommandResult result) {
        InodeId id = new InodeId(result.getInode().getInode());
        SessionId session = batch.session.id();
        boolean made = command.getCreate().getInode() != 0 && !batch.request.getSentAgain();
        LeaseState lease =
                made
                        ? leases.grantMade(session, id)
                        : leases.tryGrant(session, id, LeaseMode.WRITE);
        return lease == null ? result : result.toBuilder().setLease(Wire.encode(lease)).build();
    }

    private void end(Batch batch) {
        running.remove(batch.key, batch);
    }
}
