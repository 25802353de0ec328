package org.keelfs.node.service;

import java.util.concurrent.TimeUnit;
import org.keelfs.base.Clock;

/**
 * The metadata server's time as heartbeats tell it, carried on by this machine's monotonic clock.
 * It decides only when capabilities expire. Any thread.
 */
public final class ServerClock {
    private record Reading(long serverMs, long atNs) {}

    private final Clock clock;
    private volatile Reading reading;

    /** Until a heartbeat tells better it shows this machine's time. */
    public ServerClock(Clock clock) {
        this.clock = clock;
        this.reading = new Reading(TimeUnit.NANOSECONDS.toMillis(clock.wallNs()), clock.nanoTime());
    }

    /** The server said so just now. */
    public void onServerTime(long serverMs) {
        reading = new Reading(serverMs, clock.nanoTime());
    }

    /** Milliseconds since 1970 at the server. */
    public long nowMs() {
        var last = reading;
        return last.serverMs() + TimeUnit.NANOSECONDS.toMillis(clock.nanoTime() - last.atNs());
    }
}
