package org.keelfs.it.history;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Checks what several programs did through several mounts, object by object. */
public final class HistoryCheck {
    /** Length of a record in a list (historian.c). */
    private static final int RECORD_BYTES = 16;

    /** A record that is none, as the programs of a history tell it. */
    private static final String ZEROS = "-1";

    /** Registers of the one file that a sync of it concerns. */
    private static final String ALL_REGISTERS = "r*";

    private final List<CallLog> logs;
    private final List<Loss> losses;
    private final int mounts;
    private final boolean faulty;

    /**
     * @param losses of mounts, in the order of time
     * @param mounts how many there are
     * @param faulty whether calls may fail because something was killed or stood still
     */
    public HistoryCheck(List<CallLog> logs, List<Loss> losses, int mounts, boolean faulty) {
        this.logs = logs;
        this.losses = losses.stream().map(loss -> sharpened(loss, logs)).toList();
        this.mounts = mounts;
        this.faulty = faulty;
    }

    /** A killed mount has lost what it lost when the first program holds its successor. */
    private static Loss sharpened(Loss loss, List<CallLog> logs) {
        if (!loss.killed()) {
            return loss;
        }
        long held =
                logs.stream()
                        .filter(log -> log.mount() == loss.mount())
                        .mapToLong(log -> log.heldAgainNs(loss))
                        .min()
                        .orElse(Call.NEVER);
        return Loss.ofKill(loss.mount(), loss.begunNs(), Math.min(held, loss.endedNs()));
    }

    /** What is wrong, one picture for each object; empty when all is well. */
    public List<String> problems() {
        var problems = new ArrayList<String>();
        var objects = new TreeMap<String, List<Call>>();
        var syncs = new ArrayList<Call>();
        var locks = new TreeMap<String, List<Call>>();
        var locksOf = new LockHistory(losses);
        for (CallLog log : logs) {
            for (Call call : log.calls(losses)) {
                if (isUnexpected(call)) {
                    problems.add("unexpected answer: " + call);
                }
                if (call.object().equals(ALL_REGISTERS)) {
                    syncs.add(call);
                } else if (!LockHistory.isOfLocks(call.object())) {
                    objects.computeIfAbsent(call.object(), _ -> new ArrayList<>()).add(call);
                }
            }
            log.calls(locksOf.kills()).stream()
                    .filter(call -> LockHistory.isOfLocks(call.object()))
                    .forEach(
                            call ->
                                    locks.computeIfAbsent(call.object(), _ -> new ArrayList<>())
                                            .add(call));
        }
        locks.forEach((name, calls) -> addProblem(problems, name, locksOf.calls(name, calls)));
        for (Map.Entry<String, List<Call>> object : objects.entrySet()) {
            String name = object.getKey();
            List<Call> calls = object.getValue();
            if (name.startsWith("r")) {
                syncs.forEach(sync -> calls.add(sync.about(name)));
            }
            losses.forEach(loss -> calls.add(lossOf(loss, name)));
            addProblem(problems, name, calls);
        }
        return problems;
    }

    private void addProblem(List<String> problems, String object, List<Call> calls) {
        String problem = check(object, calls);
        if (problem != null) {
            problems.add("object " + object + " is " + problem);
        }
    }

    private static Call lossOf(Loss loss, String object) {
        return new Call(
                loss.mount(),
                0,
                Call.LOSS,
                object,
                List.of(),
                loss.begunNs(),
                loss.endedNs(),
                0,
                "",
                0);
    }

    /**
     * Only names may be missing or there already, and locks refused where nobody waits for them;
     * open errors need a fault.
     */
    private boolean isUnexpected(Call call) {
        if (call.endedNs() == Call.NEVER || call.errno() == 0) {
            return false;
        }
        boolean mayFail =
                LockHistory.isOfLocks(call.object())
                        ? call.errno() == LockModel.EAGAIN
                        : call.object().equals("n");
        return call.isOpen() ? !faulty : !mayFail;
    }

    /**
     * Without reads that saw zeros beside a truncation through the same kernel. What a READ that
     * the truncation cut short does not bring the kernel fills with zeros, and until the truncation
     * is answered it goes by the old size (fs/fuse/file.c, fuse_short_read; docs/decisions/0024).
     */
    static List<Call> untorn(List<Call> calls) {
        List<Call> cuts = calls.stream().filter(call -> call.what().equals("empty")).toList();
        return calls.stream()
                .filter(
                        call ->
                                !sawZeros(call)
                                        || cuts.stream().noneMatch(cut -> beside(call, cut)))
                .toList();
    }

    private static boolean sawZeros(Call call) {
        return call.what().equals("read") && List.of(call.answer().split(",")).contains(ZEROS);
    }

    private static boolean beside(Call call, Call other) {
        return call.mount() == other.mount()
                && call.begunNs() < other.endedNs()
                && other.begunNs() < call.endedNs();
    }

    private @Nullable String check(String object, List<Call> calls) {
        return switch (object.charAt(0)) {
            case 'l' -> ObjectChecker.check(new ListModel(RECORD_BYTES), untorn(calls), mounts);
            case 's' -> ObjectChecker.check(new SizeModel(), calls, mounts);
            case 'k', 'f' -> ObjectChecker.check(new LockModel(mounts), calls, mounts);
            case 'n' -> ObjectChecker.check(new NamesModel(), calls, mounts);
            default -> ObjectChecker.check(new RegisterModel(0L), calls, mounts);
        };
    }
}
