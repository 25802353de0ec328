package org.keelfs.client.quorum;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/** Wakes rounds whose time has come. Thread-safe. */
final class RoundTicker implements AutoCloseable {
    /** Coarse on purpose: attempts and hedges are counted in tenths of seconds. */
    private static final long TICK_MS = 20;

    private final Set<RoundDriver<?>> drivers = ConcurrentHashMap.newKeySet();
    private final ScheduledFuture<?> ticking;

    RoundTicker(ScheduledExecutorService timer) {
        this.ticking =
                timer.scheduleWithFixedDelay(this::tick, TICK_MS, TICK_MS, TimeUnit.MILLISECONDS);
    }

    void add(RoundDriver<?> driver) {
        drivers.add(driver);
    }

    void remove(RoundDriver<?> driver) {
        drivers.remove(driver);
    }

    private void tick() {
        if (drivers.isEmpty()) {
            return;
        }
        long nowNs = System.nanoTime();
        for (RoundDriver<?> driver : drivers) {
            driver.onTime(nowNs);
        }
    }

    @Override
    public void close() {
        ticking.cancel(false);
    }
}
