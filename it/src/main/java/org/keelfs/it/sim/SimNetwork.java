package org.keelfs.it.sim;

import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Messages between endpoints: lost, doubled, overtaken, very late. Endpoints are numbers: 0 the
 * metadata server, 1.. storage nodes, 1000.. clients.
 */
final class SimNetwork {
    private static final long HOP_MIN_NS = 500;
    private static final long HOP_MAX_NS = 3_000;
    private static final long LATE_MAX_NS = 300_000;
    private static final long SLOW_MIN_NS = 20_000;
    private static final long SLOW_MAX_NS = 150_000;
    private static final long RETRY_NS = 10_000;

    private final SimScheduler scheduler;
    private final SimOptions options;
    private final TreeSet<Integer> isolated = new TreeSet<>();
    private final TreeSet<Long> slow = new TreeSet<>();
    private boolean calm;

    SimNetwork(SimScheduler scheduler, SimOptions options) {
        this.scheduler = scheduler;
        this.options = options;
        for (int i = 0; i < options.slowLinks; i++) {
            int client = SimClient.FIRST_ENDPOINT + scheduler.below(options.clients);
            int node = 1 + scheduler.below(options.replicas + options.spareNodes);
            slow.add(scheduler.chance(50) ? link(client, node) : link(node, client));
        }
    }

    private static long link(int from, int to) {
        return ((long) from << Integer.SIZE) + to;
    }

    /** From now on nothing is lost, doubled or late any more. */
    void heal() {
        calm = true;
        isolated.clear();
    }

    void isolate(int endpoint) {
        isolated.add(endpoint);
    }

    void join(int endpoint) {
        isolated.remove(endpoint);
    }

    private boolean cut(int from, int to) {
        return isolated.contains(from) || isolated.contains(to);
    }

    /** A message that may get lost. */
    void send(int from, int to, Runnable deliver) {
        if (!calm && scheduler.chance(options.lossPercent)) {
            return;
        }
        int copies = !calm && scheduler.chance(options.duplicatePercent) ? 2 : 1;
        for (int i = 0; i < copies; i++) {
            long delay = delay();
            if (!calm && slow.contains(link(from, to))) {
                delay += scheduler.between(SLOW_MIN_NS, SLOW_MAX_NS);
            }
            scheduler.after(
                    delay,
                    to,
                    () -> {
                        if (!cut(from, to)) {
                            deliver.run();
                        }
                    });
        }
    }

    /** A message that its sender repeats until it is through, and that is then taken once. */
    void sendSurely(int from, int to, Runnable deliver) {
        scheduler.after(
                delay(),
                to,
                () -> {
                    if (cut(from, to)) {
                        scheduler.after(RETRY_NS, to, () -> sendSurely(from, to, deliver));
                    } else {
                        deliver.run();
                    }
                });
    }

    /** A question and its answer, each repeated until it is through. */
    <A> void ask(int from, int to, Consumer<Consumer<A>> question, Consumer<A> answer) {
        sendSurely(
                from, to, () -> question.accept(a -> sendSurely(to, from, () -> answer.accept(a))));
    }

    private long delay() {
        if (!calm && scheduler.chance(options.latePercent)) {
            return scheduler.between(HOP_MAX_NS, LATE_MAX_NS);
        }
        return scheduler.between(HOP_MIN_NS, HOP_MAX_NS);
    }
}
