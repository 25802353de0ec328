package org.keelfs.base;

/** Time for drivers. Machines never see it: they get {@code nowNs} as an argument. */
public interface Clock {
    /** Monotonic nanoseconds of one process, of the kind of {@link System#nanoTime()}. */
    long nanoTime();

    /** Nanoseconds since 1970-01-01T00:00Z, for times that users see; may jump. */
    long wallNs();

    /** The machine's own clocks. */
    Clock SYSTEM =
            new Clock() {
                @Override
                public long nanoTime() {
                    return System.nanoTime();
                }

                @Override
                public long wallNs() {
                    var now = java.time.Instant.now();
                    return Math.addExact(
                            Math.multiplyExact(now.getEpochSecond(), 1_000_000_000L),
                            now.getNano());
                }
            };
}
