package org.keelfs.client.vfs;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.data.WriteBackListener;
import org.keelfs.client.meta.MetadataSession;
import org.keelfs.client.meta.MetadataSession.Submitted;
import org.keelfs.client.namespace.NamespaceWriter;
import org.keelfs.client.vfs.FileState.Unsent;
import org.keelfs.model.Caller;
import org.keelfs.model.InodeId;
import org.keelfs.namespace.CommandOutcome;
import org.keelfs.wire.AttributesCodec;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.CommandResult;
import org.keelfs.wire.proto.MetadataProto.WriteBackCommandValue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings size and times of written files to the metadata server, always behind their bytes: when
 * the flusher has stored them, at fsync, and before a lease goes back.
 */
final class WriteBacks implements WriteBackListener {
    private static final Logger LOG = LoggerFactory.getLogger(WriteBacks.class);

    /** Commands of one submit; the server takes up to 1,024. */
    private static final int BATCH_MAX = 512;

    private final VfsContext vfs;

    /**
     * Access times go at every so manieth call of sendSettled: each takes the leases of the inode
     * from other mounts.
     */
    private static final int ACCESS_CALLS = 5;

    private final ConcurrentHashMap.KeySetView<InodeId, Boolean> unsent =
            ConcurrentHashMap.newKeySet();
    private final ConcurrentHashMap.KeySetView<InodeId, Boolean> accessed =
            ConcurrentHashMap.newKeySet();
    private final AtomicInteger calls = new AtomicInteger();

    WriteBacks(VfsContext vfs) {
        this.vfs = vfs;
    }

    /** Something of this inode is to be sent in the background. */
    void note(InodeId inode) {
        unsent.add(inode);
    }

    /** This inode was read; that is sent some time. */
    void noteAccess(InodeId inode) {
        accessed.add(inode);
    }

    @Override
    public void afterFlush(List<InodeId> flushed) {
        List<InodeId> inodes = new ArrayList<>(flushed.size());
        for (InodeId inode : flushed) {
            FileState state = vfs.files().locked(inode);
            try {
                // Under the lock: fsync(2) must not find it taken and not yet here.
                long allocated = vfs.data().takeAllocatedDelta(inode);
                if (state.isOwned()) {
                    state.addAllocated(allocated);
                    inodes.add(inode);
                }
            } finally {
                vfs.files().unlock(state);
            }
        }
        send(inodes);
    }

    @Override
    public boolean isPlaceable(InodeId inode) {
        return vfs.names().isMadeOrWanted(inode);
    }

    /** Takes no lock of a state: who flushes for the namespace may be waited for under one. */
    @Override
    public void onWriteBackError(InodeId inode, Errno errno) {
        FileState state = vfs.files().ifPresent(inode);
        if (state != null && !state.isGone()) {
            LOG.error("{}: write-back failed: {}", inode, errno);
            state.onError(errno);
        }
    }

    /** Sends what has no dirty bytes in front of it; called now and then. */
    void sendSettled() {
        if (calls.incrementAndGet() % ACCESS_CALLS == 0) {
            unsent.addAll(accessed);
            accessed.removeAll(unsent);
        }
        List<InodeId> settled =
                unsent.stream().filter(inode -> !vfs.data().isDirty(inode)).toList();
        send(settled);
    }

    /** Sends size and times of these files in few round trips. */
    void send(List<InodeId> inodes) {
        for (int from = 0; from < inodes.size(); from += BATCH_MAX) {
            sendBatch(inodes.subList(from, Math.min(inodes.size(), from + BATCH_MAX)));
        }
    }

    /** Each state is locked only to take and to give back; their order does not matter. */
    private void sendBatch(List<InodeId> inodes) {
        List<InodeId> sent = new ArrayList<>();
        List<Unsent> values = new ArrayList<>();
        List<Command> commands = new ArrayList<>();
        for (InodeId inode : inodes) {
            unsent.remove(inode);
            FileState state = vfs.files().tryLocked(inode);
            if (state == null) {
                unsent.add(inode);
                continue;
            }
            try {
                if (mayTell(state) && !state.isSending() && !sentLocally(state)) {
                    Unsent taken = state.takeUnsent();
                    state.sending(true);
                    sent.add(inode);
                    values.add(taken);
                    commands.add(command(inode, taken));
                }
            } finally {
                vfs.files().unlock(state);
            }
        }
        if (!commands.isEmpty()) {
            submit(sent, values, commands);
        }
    }

    /** Of a file that is not owned only that it was read. */
    private static boolean mayTell(FileState state) {
        return state.isOwned() ? state.hasUnsent() : state.hasUnsentAccess();
    }

    /**
     * Answered under this mount's lease, where the inode is known: the command goes behind all that
     * programs did before. The state is locked.
     */
    private boolean sentLocally(FileState state) {
        return vfs.names().isEnabled() && sentLocally(state, null);
    }

    /**
     * The same.
     *
     * @param bytesFirst the inode, when its bytes have to be at the nodes before the server hears
     *     of its size; null when they are
     */
    boolean sentLocally(FileState state, @Nullable InodeId bytesFirst) {
        Unsent taken = state.takeUnsent();
        List<CommandOutcome> outcomes =
                vfs.names().tryLocal(List.of(command(state.inode, taken)), bytesFirst);
        boolean sent = outcomes != null && outcomes.getFirst().errno() == null;
        if (!sent) {
            state.giveBack(taken);
        }
        state.arrived();
        return sent;
    }

    private void submit(List<InodeId> sent, List<Unsent> values, List<Command> commands) {
        try (NamespaceWriter.Flux _ = vfs.names().flux(sent)) {
            Submitted submitted = vfs.names().submit(commands);
            for (int i = 0; i < sent.size(); i++) {
                CommandResult result = submitted.results().get(i);
                finish(sent.get(i), values.get(i), result);
            }
        } catch (FsException e) {
            LOG.warn("Sizes of {} files could not be sent yet: {}", sent.size(), e.getMessage());
            for (int i = 0; i < sent.size(); i++) {
                giveBack(sent.get(i), values.get(i));
            }
        }
    }

    private void finish(InodeId inode, Unsent value, CommandResult result) {
        FileState state = vfs.files().locked(inode);
        try {
            if (result.getErrno() == 0) {
                if (result.hasInode()) {
                    vfs.cache().update(AttributesCodec.decode(result.getInode()));
                }
            } else if (state.isOwned()
                    && !state.isGone()
                    && Errno.of(result.getErrno()) != Errno.ESTALE) {
                LOG.warn("{}: size not taken: {}", inode, Errno.of(result.getErrno()));
                state.giveBack(value);
            }
            state.sending(false);
        } finally {
            vfs.files().unlock(state);
        }
    }

    private void giveBack(InodeId inode, Unsent value) {
        FileState state = vfs.files().locked(inode);
        try {
            if (state.isOwned()) {
                state.giveBack(value);
                unsent.add(inode);
            }
            state.sending(false);
        } finally {
            vfs.files().unlock(state);
        }
    }

    /** The command for what a locked state takes to the server. */
    Command command(InodeId inode, Unsent value) {
        return vfs.commands()
                .by(Caller.ROOT)
                .setWriteBack(
                        WriteBackCommandValue.newBuilder()
                                .setInode(inode.value())
                                .setSize(value.size())
                                .setMtimeNs(value.mtimeNs())
                                .setAtimeNs(value.atimeNs())
                                .setAllocatedDelta(value.allocatedDelta())
                                .setKillSuidgid(value.killSuidGid()))
                .build();
    }

    /**
     * Sends what there is of one file and waits for the answer; its state is locked by the caller.
     * Bytes in front of it are the caller's to flush.
     */
    void sendLocked(FileState state) {
        state.awaitSent();
        if (state.isOwned()) {
            state.addAllocated(vfs.data().takeAllocatedDelta(state.inode));
        }
        if (!state.isOwned() || !state.hasUnsent()) {
            return;
        }
        if (sentLocally(state)) {
            return;
        }
        try (NamespaceWriter.Flux _ = vfs.names().flux(List.of(state.inode))) {
            submitLocked(state);
        }
    }

    private void submitLocked(FileState state) {
        Unsent taken = state.takeUnsent();
        try {
            tell(state, taken);
        } finally {
            state.arrived();
        }
    }

    private void tell(FileState state, Unsent taken) {
        Submitted submitted;
        try {
            submitted = vfs.names().submit(List.of(command(state.inode, taken)));
        } catch (FsException e) {
            state.giveBack(taken);
            throw e;
        }
        CommandResult result = submitted.results().get(0);
        if (result.getErrno() != 0) {
            state.giveBack(taken);
        }
        var _ = MetadataSession.orThrow(result);
        if (result.hasInode()) {
            vfs.cache().update(AttributesCodec.decode(result.getInode()));
        }
    }
}
