package org.keelfs.lease;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.keelfs.lease.LeaseHolder.RecallStep;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;

/**
 * Both halves of the leases on one file, with a kernel that locks pages. Messages of a client come
 * in their order, but what they cause runs on threads of its own, in any. Time stands still: what a
 * recall that is sent again would mend is a fault here.
 */
final class LeaseExchangeTest {
    private static final LeaseTableConfig CONFIG =
            new LeaseTableConfig(10_000_000_000L, 0, 1L << 60, 1L << 60, 1L << 60, 100);
    private static final InodeId FILE = new InodeId(7);
    private static final int CLIENTS = 3;
    private static final int STEPS = 600;

    @Test
    void whoWaitsForALeaseGetsItWithoutAnythingBeingSentAgain() {
        for (long seed = 1; seed <= 2_000; seed++) {
            try {
                new Exchange(seed).run();
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }

    /** A call, or a page that the kernel fills or empties. */
    private record Want(boolean page, boolean writes, boolean opens, boolean shareable) {}

    private static final class Exchange implements LeaseEffects {
        private final Random random;
        private final LeaseTable table = new LeaseTable(CONFIG, 0);
        private final Map<SessionId, Client> clients = new HashMap<>();
        private final List<Client> list = new ArrayList<>();
        private final Map<Long, Runnable> requests = new HashMap<>();
        private final Map<Long, LeaseState> granted = new HashMap<>();
        private long lastToken;
        private long progress;

        Exchange(long seed) {
            random = new Random(seed);
            for (int i = 1; i <= CLIENTS; i++) {
                var client = new Client(this, new SessionId(i));
                clients.put(client.id, client);
                list.add(client);
                table.onOpen(client.id, 1);
            }
        }

        @Override
        public void recall(SessionId holder, InodeId inode, long generation, LeaseMode keep) {
            Client client = clients.get(holder);
            client.down.add(() -> client.onRecall(generation, keep));
        }

        @Override
        public void granted(long token, List<LeaseState> leases) {
            granted.put(token, leases.getFirst());
            requests.remove(token).run();
        }

        @Override
        public void refused(long token) {
            throw new AssertionError("refused");
        }

        @Override
        public void evict(SessionId session, String why) {
            throw new AssertionError("evicted: " + why);
        }

        void run() {
            for (int i = 0; i < STEPS; i++) {
                Client client = list.get(random.nextInt(CLIENTS));
                if (random.nextInt(6) == 0) {
                    client.want();
                } else if (random.nextInt(60) == 0) {
                    client.drop();
                }
                client.step();
                table.invariants();
            }
            int idle = 0;
            while (list.stream().anyMatch(Client::isBusy)) {
                long before = progress;
                list.get(random.nextInt(CLIENTS)).step();
                idle = progress == before ? idle + 1 : 0;
                assertTrue(idle < 3_000, () -> "nothing moves any more: " + list);
            }
            assertEquals(0, table.waitingCount());
        }
    }

    private static final class Client {
        private final Exchange net;
        private final SessionId id;
        private LeaseHolder holder = new LeaseHolder();
        private final Deque<Runnable> up = new ArrayDeque<>();
        private final Deque<Runnable> down = new ArrayDeque<>();
        private final List<BooleanSupplier> threads = new ArrayList<>();
        private boolean acquiring;
        private int locked;
        private int writers;
        private boolean pages;

        Client(Exchange net, SessionId id) {
            this.net = net;
            this.id = id;
        }

        boolean isBusy() {
            return !up.isEmpty() || !down.isEmpty() || !threads.isEmpty();
        }

        /** The server takes a message, this client does, or one of its threads goes on. */
        void step() {
            switch (net.random.nextInt(4)) {
                case 0 -> take(up);
                case 1 -> take(down);
                default -> {
                    if (!threads.isEmpty()) {
                        BooleanSupplier thread = threads.remove(net.random.nextInt(threads.size()));
                        if (thread.getAsBoolean()) {
                            net.progress++;
                        } else {
                            threads.add(thread);
                        }
                    }
                }
            }
            holder.invariants();
            assertTrue(!pages || holder.mayHavePages(), "pages without a lease");
            assertTrue(
                    !pages || writers == 0 || holder.mode() == LeaseMode.WRITE,
                    "a store into a page would not be seen");
        }

        private void take(Deque<Runnable> messages) {
            if (!messages.isEmpty()) {
                messages.removeFirst().run();
                net.progress++;
            }
        }

        private void start(Runnable thread) {
            threads.add(
                    () -> {
                        thread.run();
                        return true;
                    });
        }

        // ---- who uses the lease ----

        void want() {
            boolean page = net.random.nextInt(3) == 0;
            boolean writes = net.random.nextBoolean();
            boolean opens = !page && writes && net.random.nextInt(3) == 0;
            var want = new Want(page, writes, opens, !page && net.random.nextInt(4) != 0);
            locked += page ? 1 : 0;
            threads.add(() -> tryStart(want));
        }

        private LeaseMode mode(Want want) {
            boolean write = want.page ? writers > 0 : want.writes;
            return write ? LeaseMode.WRITE : LeaseMode.READ;
        }

        private boolean tryUse(Want want) {
            if (want.shareable && holder.tryUse(LeaseMode.SHARED, false)) {
                use(want, false);
                return true;
            }
            if (holder.tryUse(mode(want), want.page)) {
                use(want, want.page);
                return true;
            }
            return false;
        }

        private void use(Want want, boolean page) {
            start(
                    () -> {
                        if (page) {
                            pages = true;
                            locked--;
                        } else if (want.opens && !want.shareable) {
                            writers++;
                            start(() -> writers--);
                        }
                        holder.endUse(page);
                    });
        }

        private boolean tryStart(Want want) {
            if (tryUse(want)) {
                return true;
            }
            if (acquiring || holder.isLeaving()) {
                return false;
            }
            acquiring = true;
            long token = ++net.lastToken;
            boolean write = mode(want) == LeaseMode.WRITE;
            LeaseNeed.Kind kind =
                    want.shareable
                            ? write ? LeaseNeed.Kind.WRITE_OR_SHARED : LeaseNeed.Kind.READ_OR_SHARED
                            : write ? LeaseNeed.Kind.WRITE : LeaseNeed.Kind.READ;
            net.requests.put(token, () -> down.add(() -> start(() -> onGranted(token, want))));
            List<LeaseNeed> needs = List.of(new LeaseNeed(FILE, kind));
            up.add(() -> net.table.onRequest(token, id, needs, false, 1, net));
            return true;
        }

        private void onGranted(long token, Want want) {
            LeaseState grant = net.granted.remove(token);
            acquiring = false;
            boolean taken = holder.onGrant(grant.mode(), grant.generation());
            if (taken && tryUse(want)) {
                return;
            }
            if (holder.isToBeReturned(grant.generation())) {
                deny(grant.generation());
            }
            threads.add(() -> tryStart(want));
        }

        /** As if the file were removed, and came again. */
        void drop() {
            if (holder.isIdle() && writers == 0) {
                long last = holder.lastGeneration();
                long denied = holder.onGone();
                holder = new LeaseHolder(last);
                pages = false;
                if (denied != 0) {
                    deny(denied);
                }
            }
        }

        // ---- recalls ----

        private void onRecall(long generation, LeaseMode keep) {
            start(
                    () -> {
                        RecallStep step = holder.onRecall(generation, keep);
                        if (step == RecallStep.NOT_HELD) {
                            deny(generation);
                        } else if (step == RecallStep.GIVE_BACK) {
                            LeaseHolder given = holder;
                            threads.add(() -> giveBackAfterCalls(given));
                        }
                    });
        }

        private boolean giveBackAfterCalls(LeaseHolder given) {
            if (given != holder) {
                return true;
            }
            if (!holder.isWithoutCalls()) {
                return false;
            }
            LeaseMode keep = writers > 0 ? LeaseMode.NONE : holder.keep();
            boolean invalidates = keep == LeaseMode.NONE && holder.mayHavePages();
            threads.add(() -> giveBackAfterPages(given, keep, invalidates));
            return true;
        }

        private boolean giveBackAfterPages(LeaseHolder given, LeaseMode keep, boolean invalidates) {
            if (given != holder) {
                return true;
            }
            if (invalidates && locked > 0) {
                return false;
            }
            pages &= !invalidates;
            holder.beginClosing();
            threads.add(() -> giveBackAfterUsers(given, keep));
            return true;
        }

        private boolean giveBackAfterUsers(LeaseHolder given, LeaseMode keep) {
            if (given != holder) {
                return true;
            }
            if (!holder.isIdle()) {
                return false;
            }
            var how = new LeaseReturn(holder.beginReturn(), keep, writers == 0, false);
            up.add(
                    () -> {
                        LeaseState left = net.table.onReturn(id, FILE, how, 1, net);
                        down.add(() -> start(() -> onReturned(given, left)));
                    });
            return true;
        }

        private void onReturned(LeaseHolder given, LeaseState left) {
            if (given != holder) {
                return;
            }
            long denied = holder.onReturned(left.mode(), left.generation());
            pages &= holder.mayHavePages();
            if (denied != 0) {
                deny(denied);
            }
        }

        private void deny(long generation) {
            up.add(
                    () -> {
                        var _ = net.table.onReturn(id, FILE, generation, LeaseMode.NONE, 1, net);
                    });
        }

        @Override
        public String toString() {
            return "%s holds %s, leaving %s, acquiring %s, %d pages locked, %d threads"
                    .formatted(
                            id,
                            holder.mode(),
                            holder.isLeaving(),
                            acquiring,
                            locked,
                            threads.size());
        }
    }
}
