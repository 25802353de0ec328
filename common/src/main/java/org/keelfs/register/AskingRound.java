package org.keelfs.register;

import java.util.List;
import org.keelfs.model.NodeId;

/**
 * What every round over a replica set does alike: it keeps requests until they are answered, sends
 * what is due again, gives up at its deadline, and finishes exactly once. Confined as its subclass
 * is.
 *
 * @param <O> its outcome
 */
public abstract class AskingRound<O> implements Round<O> {
    private RequestTable requests;
    private boolean finished;

    /**
     * @param times of its attempts, and its deadline
     */
    protected AskingRound(RoundTimes times) {
        this.requests = new RequestTable(times);
    }

    /** What is waited for. */
    protected final RequestTable requests() {
        return requests;
    }

    protected final boolean isFinished() {
        return finished;
    }

    /** Ends the round; only the first call counts. */
    protected final void finish(O outcome, RoundEffects<O> out) {
        if (!finished) {
            finished = true;
            requests.clear();
            out.finish(outcome);
        }
    }

    /** Goes on after a finish, with a new deadline. */
    protected final void goOn(RoundTimes times) {
        finished = false;
        requests = new RequestTable(times);
    }

    /**
     * The outcome at the deadline.
     *
     * @param silent who was waited for
     */
    protected abstract O timedOut(List<NodeId> silent);

    /** These nodes let an attempt pass, and were asked again. */
    protected void onSilent(List<NodeId> nodes, long nowNs, RoundEffects<O> out) {}

    @Override
    public void onFailure(NodeId from, RegisterRequest request, long nowNs, RoundEffects<O> out) {
        var _ = requests.failed(from, request, nowNs);
    }

    @Override
    public void onTick(long nowNs, RoundEffects<O> out) {
        if (finished) {
            return;
        }
        if (requests.over(nowNs)) {
            finish(timedOut(requests.silent()), out);
        } else {
            onSilent(requests.resend(nowNs, out), nowNs, out);
        }
    }

    @Override
    public final long nextDeadlineNs() {
        return finished ? Long.MAX_VALUE : requests.nextDeadlineNs();
    }
}
