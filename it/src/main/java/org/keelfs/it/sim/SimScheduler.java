package org.keelfs.it.sim;

import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * Virtual time, a seeded source of chance, and the events to come. Everything in a run hangs on it.
 */
final class SimScheduler {
    private final PriorityQueue<Event> events = new PriorityQueue<>();
    private final SplittableRandom random;
    private long nowNs;
    private long sequence;
    private long hash;
    private long executed;

    private record Event(long at, long sequence, int code, Runnable action)
            implements Comparable<Event> {
        @Override
        public int compareTo(Event other) {
            int byTime = Long.compare(at, other.at);
            return byTime != 0 ? byTime : Long.compare(sequence, other.sequence);
        }
    }

    SimScheduler(long seed) {
        this.random = new SplittableRandom(seed);
    }

    long nowNs() {
        return nowNs;
    }

    /** Hash of all events so far: equal for equal runs. */
    long hash() {
        return hash;
    }

    long executed() {
        return executed;
    }

    /** Runs the action after a delay; the code says what kind it is, for the hash. */
    void after(long delayNs, int code, Runnable action) {
        events.add(new Event(nowNs + Math.max(0, delayNs), sequence++, code, action));
    }

    /** Runs the next event; false when there is none. */
    boolean step() {
        var event = events.poll();
        if (event == null) {
            return false;
        }
        nowNs = event.at;
        note(nowNs * 31 + event.code);
        executed++;
        event.action.run();
        return true;
    }

    /** Mixes something that happened into the hash. */
    void note(long what) {
        hash = (hash ^ what) * 0x9E3779B97F4A7C15L;
        hash ^= hash >>> 29;
    }

    /** A number in [0, bound). */
    int below(int bound) {
        return random.nextInt(bound);
    }

    /** A number in [from, to]. */
    long between(long from, long to) {
        return random.nextLong(from, to + 1);
    }

    /** True this often. */
    boolean chance(int percent) {
        return percent > 0 && random.nextInt(100) < percent;
    }

    /** True this often, for what is rare. */
    boolean perMille(int perMille) {
        return perMille > 0 && random.nextInt(1000) < perMille;
    }
}
