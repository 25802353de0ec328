package org.keelfs.it.history;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/** What one program of a history logged (format: historian.c). */
public final class CallLog {
    private final int mount;
    private final int worker;
    private final Map<Long, Call> calls = new TreeMap<>();
    private final TreeSet<Long> heldNs = new TreeSet<>();

    private CallLog(int mount, int worker) {
        this.mount = mount;
        this.worker = worker;
    }

    /** Reads the log of a program that used a mount. */
    public static CallLog read(Path file, int mount, int worker) {
        var log = new CallLog(mount, worker);
        try {
            Files.readAllLines(file).forEach(log::add);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return log;
    }

    private void add(String line) {
        String[] word = line.split(" ");
        long ns = Long.parseLong(word[word[0].equals("C") ? 1 : 2]);
        switch (word[0]) {
            case "C" -> heldNs.add(ns);
            case "I" -> {
                var arguments = List.of(word).subList(5, word.length);
                calls.put(
                        Long.parseLong(word[1]),
                        new Call(
                                mount,
                                worker,
                                word[3],
                                word[4],
                                List.copyOf(arguments),
                                ns,
                                Call.NEVER,
                                0,
                                "",
                                0));
            }
            case "A" -> {
                String said = word.length > 4 ? word[4] : "";
                calls.computeIfPresent(
                        Long.parseLong(word[1]),
                        (_, c) ->
                                new Call(
                                        mount,
                                        worker,
                                        c.what(),
                                        c.object(),
                                        c.arguments(),
                                        c.begunNs(),
                                        ns,
                                        Integer.parseInt(word[3]),
                                        said,
                                        0));
            }
            default -> throw new IllegalArgumentException(line);
        }
    }

    int mount() {
        return mount;
    }

    /** Number of calls that were answered. */
    public long answered() {
        return calls.values().stream().filter(c -> c.endedNs() != Call.NEVER).count();
    }

    /** Number of calls of a kind that succeeded. */
    public long succeeded(String what) {
        return calls.values().stream()
                .filter(c -> c.what().equals(what))
                .filter(c -> c.endedNs() != Call.NEVER && c.errno() == 0)
                .count();
    }

    /** When the program held the mount again after it was killed; never: {@link Call#NEVER}. */
    long heldAgainNs(Loss loss) {
        Long held = heldNs.higher(loss.begunNs());
        return held == null ? Call.NEVER : held;
    }

    /** The calls, each with the life of its mount; without what a dead mount's caches answered. */
    List<Call> calls(List<Loss> losses) {
        var mine = losses.stream().filter(loss -> loss.mount() == mount).toList();
        var kept = new ArrayList<Call>();
        for (Call call : calls.values()) {
            int life = 0;
            boolean dead = false;
            for (Loss loss : mine) {
                long newLifeNs = loss.killed() ? heldAgainNs(loss) : loss.newLifeNs();
                life += call.begunNs() >= newLifeNs ? 1 : 0;
                dead |=
                        loss.killed()
                                && call.endedNs() >= loss.begunNs()
                                && call.begunNs() < newLifeNs;
            }
            boolean changed = !call.isObserver() && (call.errno() == 0 || call.isOpen());
            if (!dead || changed) {
                kept.add(call.inLife(life));
            }
        }
        return kept;
    }
}
