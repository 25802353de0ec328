package org.keelfs.node.service;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.keelfs.buffer.BudgetExceededException;
import org.keelfs.buffer.BufferPool;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.ChunkId;
import org.keelfs.model.SectorRun;
import org.keelfs.node.index.ChunkIndex;
import org.keelfs.node.store.SegmentLog;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.ReplicaEffects;
import org.keelfs.register.ReplicaRecord;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.SectorAnswer;

/**
 * One frame of operations on its way through the node: collects what the machine answers and the
 * position that all of it needs, and answers as a whole. Confined to the event loop until it waits
 * for the log, then to the thread that completes it. Tokens are indexes of operations.
 */
final class SectorFrame implements ReplicaEffects<Integer> {
    private final RpcRequest request;
    private final ChunkIndex index;
    private final SegmentLog log;
    private final SectorAnswer[] answers;
    private final List<ReadPlan> reads = new ArrayList<>(0);
    private long position;
    private int readBytes;

    SectorFrame(RpcRequest request, ChunkIndex index, SegmentLog log, int operations) {
        this.request = request;
        this.index = index;
        this.log = log;
        this.answers = new SectorAnswer[operations];
    }

    @Override
    public long append(ReplicaRecord record) {
        return index.append(record);
    }

    @Override
    public void reply(Integer operation, RegisterReply reply, long needed) {
        answer(operation, new SectorAnswer.Replied(reply));
        position = Math.max(position, needed);
    }

    @Override
    public void replyValues(Integer operation, ChunkId chunk, SectorRun run, long needed) {
        position = Math.max(position, needed);
        var plan = ReadPlan.of(operation, chunk, run, index, log);
        if (plan == null) {
            reply(operation, new RegisterReply.Refused(RegisterReply.Reason.DAMAGED), needed);
        } else {
            reads.add(plan);
            readBytes += plan.bytes();
        }
    }

    void answer(int operation, SectorAnswer answer) {
        answers[operation] = answer;
    }

    /** The log must be durable up to here before anything is said. */
    long position() {
        return position;
    }

    /** Bytes still to be read from the log. */
    int readBytes() {
        return readBytes;
    }

    /** Reads what is to be read and answers. */
    void complete(BufferPool pool) {
        var memory = new ArrayList<PayloadBuffer>(reads.size());
        try {
            for (var plan : reads) {
                var fetched = plan.fetch(pool, index);
                memory.add(fetched.memory());
                answer(plan.operation(), new SectorAnswer.Replied(fetched.reply()));
            }
            var reply = RegisterCodec.encodeReplies(Arrays.asList(answers));
            request.reply(reply.message(), reply.payload());
        } catch (BudgetExceededException e) {
            request.fail(RpcStatus.BUSY, String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            request.fail(RpcStatus.FAILED, "reading sectors failed: " + e);
            throw e;
        } finally {
            memory.forEach(PayloadBuffer::release);
            reads.forEach(ReadPlan::release);
        }
    }

    /** Answers nothing of it. */
    void abandon(RpcStatus status, String message) {
        reads.forEach(ReadPlan::release);
        request.fail(status, message);
    }
}
