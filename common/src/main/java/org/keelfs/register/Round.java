package org.keelfs.register;

import org.keelfs.model.NodeId;

/**
 * One exchange with a replica set as a machine: it sends, waits, sends again, and finishes exactly
 * once. Confined to the thread or lock of its chunk. Times are monotonic nanoseconds given by the
 * driver.
 *
 * @param <O> its outcome
 */
public interface Round<O> {
    /** Sends the first requests. */
    void start(long nowNs, RoundEffects<O> out);

    /**
     * A replica answered.
     *
     * @param request what was sent, as the round gave it
     */
    void onReply(
            NodeId from,
            RegisterRequest request,
            RegisterReply reply,
            long nowNs,
            RoundEffects<O> out);

    /**
     * No answer to this request will come (connection lost, time over); the round asks again by
     * itself.
     */
    void onFailure(NodeId from, RegisterRequest request, long nowNs, RoundEffects<O> out);

    /** Time passed; call it at {@link #nextDeadlineNs()} or later. */
    void onTick(long nowNs, RoundEffects<O> out);

    /** When {@link #onTick} is due; {@link Long#MAX_VALUE} when nothing waits for time. */
    long nextDeadlineNs();

    /** Laws that hold between any two inputs. */
    void invariants();
}
