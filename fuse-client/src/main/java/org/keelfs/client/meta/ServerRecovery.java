package org.keelfs.client.meta;

import java.util.function.Consumer;
import java.util.function.Predicate;
import org.keelfs.rpc.RpcCaller;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcStatus;
import org.keelfs.wire.proto.MetadataProto.SubmitReply;
import org.keelfs.wire.proto.MetadataProto.SubmitRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends a restarted server what it may have lost, then reclaims leases and locks (DESIGN section 6,
 * docs/decisions/0053); again when the server restarts meanwhile.
 */
final class ServerRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(ServerRecovery.class);

    /** One attempt to send one request. */
    private static final long ATTEMPT_MS = 5_000;

    private final RpcCaller rpc;
    private final SessionListener listener;
    private final Predicate<OpenSession> goesOn;
    private final Consumer<OpenSession> onGone;
    private final Runnable pause;

    /**
     * @param goesOn whether the session is still the one that is used
     * @param onGone told when the server does not know the session
     * @param pause before another attempt
     */
    ServerRecovery(
            RpcCaller rpc,
            SessionListener listener,
            Predicate<OpenSession> goesOn,
            Consumer<OpenSession> onGone,
            Runnable pause) {
        this.rpc = rpc;
        this.listener = listener;
        this.goesOn = goesOn;
        this.onGone = onGone;
        this.pause = pause;
    }

    /** Returns when the server's newest process has all, or the session is over. */
    void run(OpenSession s) {
        while (goesOn.test(s) && s.isBehind()) {
            long incarnation = s.newestIncarnation;
            LOG.info("The metadata server has restarted: sending again what it may have lost");
            if (sendAgain(s, incarnation)) {
                s.incarnation = incarnation;
                listener.onServerRestarted();
                s.reclaimedIncarnation = incarnation;
            } else {
                pause.run();
            }
        }
    }

    /** Returns false when it has to begin again. */
    private boolean sendAgain(OpenSession s, long incarnation) {
        for (SubmitRequest old : s.commands.onRestarted(incarnation)) {
            SubmitRequest again =
                    old.toBuilder()
                            .setServerIncarnation(incarnation)
                            .setSentAgain(true)
                            // A command that this one's last attempt knew to be answered may
                            // stand behind it in the log, and be lost.
                            .clearAcknowledgedSequence()
                            .build();
            if (!sendAgain(s, again)) {
                return false;
            }
        }
        s.commands.onSentAgain(incarnation);
        return true;
    }

    /** Sends one request once, and waits. */
    static SubmitReply submit(RpcCaller rpc, SubmitRequest request, long timeoutMs) {
        RpcReply raw =
                Waits.await(
                        rpc.call(RpcMethod.SUBMIT, request, timeoutMs),
                        timeoutMs + 100,
                        "metadata server, SUBMIT");
        return Waits.decoded(raw, SubmitReply.parser());
    }

    private boolean sendAgain(OpenSession s, SubmitRequest again) {
        try {
            SubmitReply reply = submit(rpc, again, ATTEMPT_MS);
            return s.commands.onAnswered(again, reply.getPosition());
        } catch (RpcException e) {
            if (e.status() == RpcStatus.SESSION_GONE) {
                onGone.accept(s);
            } else {
                LOG.info("Sending again: {}", e.getMessage());
            }
            return false;
        }
    }
}
