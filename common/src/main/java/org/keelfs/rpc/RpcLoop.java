package org.keelfs.rpc;

import io.netty.channel.EventLoop;
import java.util.concurrent.TimeUnit;

/** An event loop with the deadlines of the calls on it. Confined to that loop. */
final class RpcLoop {
    private final EventLoop eventLoop;
    private final DeadlineWheel<RpcCall> deadlines = new DeadlineWheel<>(System.nanoTime());
    private final Runnable tick = this::onTick;
    private boolean ticking;

    RpcLoop(EventLoop eventLoop) {
        this.eventLoop = eventLoop;
    }

    EventLoop eventLoop() {
        return eventLoop;
    }

    void watch(RpcCall call) {
        deadlines.add(call, call.deadlineNs());
        if (!ticking) {
            ticking = true;
            scheduleTick();
        }
    }

    void unwatch(RpcCall call) {
        deadlines.remove(call);
    }

    private void scheduleTick() {
        var _ = eventLoop.schedule(tick, DeadlineWheel.TICK_NS, TimeUnit.NANOSECONDS);
    }

    private void onTick() {
        deadlines.advance(System.nanoTime(), RpcCall::expire);
        ticking = !deadlines.isEmpty();
        if (ticking) {
            scheduleTick();
        }
    }
}
