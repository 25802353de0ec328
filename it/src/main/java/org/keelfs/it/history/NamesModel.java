package org.keelfs.it.history;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Names in two directories, each with the number of its inode: 0 for none, negative for a file of
 * which nobody was told the number.
 */
public final class NamesModel implements ObjectModel<List<Long>> {
    private static final int ENOENT = 2;
    private static final int EEXIST = 17;
    private static final int DIRECTORIES = 2;
    private static final int NAMES = 4;

    @Override
    public List<Long> initial() {
        return Collections.nCopies(DIRECTORIES * NAMES, 0L);
    }

    private static int index(String name) {
        return (name.charAt(1) - '0') * NAMES + name.charAt(3) - 'a';
    }

    @Override
    public int parts(Call call) {
        if (call.what().equals("link")) {
            return (1 << DIRECTORIES) - 1; // Where the file's other names are is not said.
        }
        int parts = 0;
        for (String name : call.arguments()) {
            parts |= 1 << (name.charAt(1) - '0');
        }
        return parts;
    }

    @Override
    public List<Long> undo(List<Long> now, List<Long> before, List<Long> after) {
        var undone = new ArrayList<>(now);
        for (int i = 0; i < undone.size(); i++) {
            if (!before.get(i).equals(after.get(i))) {
                undone.set(i, before.get(i));
            }
        }
        return List.copyOf(undone);
    }

    @Override
    public @Nullable List<Long> after(List<Long> state, Call call) {
        if (call.what().equals("list")) {
            return lists(state, call) ? state : null;
        }
        if (call.what().equals("link")) {
            return linked(state, call);
        }
        int at = index(call.arguments().getFirst());
        long there = state.get(at);
        return switch (call.what()) {
            case "lookup" -> found(there, call) ? state : null;
            case "create" -> created(state, at, call);
            case "unlink" ->
                    answers(call, there == 0 ? ENOENT : 0)
                            ? there == 0 ? state : with(state, at, 0)
                            : null;
            default -> twoNames(state, at, index(call.arguments().get(1)), call);
        };
    }

    /** Whether the answer is this errno; an open call may have had any. */
    private static boolean answers(Call call, int errno) {
        return call.isOpen() || call.errno() == errno;
    }

    private static List<Long> with(List<Long> state, int at, long inode) {
        var changed = new ArrayList<>(state);
        changed.set(at, inode);
        return List.copyOf(changed);
    }

    private static boolean found(long there, Call call) {
        if (there == 0) {
            return call.errno() == ENOENT;
        }
        return call.errno() == 0 && (there < 0 || call.answer().equals(Long.toString(there)));
    }

    private static @Nullable List<Long> created(List<Long> state, int at, Call call) {
        if (state.get(at) != 0) {
            return answers(call, EEXIST) ? state : null;
        }
        if (!answers(call, 0)) {
            return null;
        }
        long inode = call.isOpen() || call.answer().equals("0") ? 0 : Long.parseLong(call.answer());
        return with(state, at, inode == 0 ? -call.begunNs() : inode);
    }

    private static @Nullable List<Long> twoNames(List<Long> state, int from, int to, Call call) {
        long moved = state.get(from);
        long target = state.get(to);
        int errno =
                switch (call.what()) {
                    case "rename" -> moved == 0 ? ENOENT : 0;
                    case "exchange" -> moved == 0 || target == 0 ? ENOENT : 0;
                    case "noreplace" -> moved == 0 ? ENOENT : target != 0 ? EEXIST : 0;
                    default -> throw new IllegalArgumentException(call.toString());
                };
        // The kernel looks at the target first when it must not be there.
        boolean either = errno == ENOENT && target != 0 && call.what().equals("noreplace");
        if (!answers(call, errno) && !(either && answers(call, EEXIST))) {
            return null;
        }
        if (errno != 0) {
            return state;
        }
        return switch (call.what()) {
            case "exchange" -> with(with(state, from, target), to, moved);
            // Two names of one file stay as they are: rename(2).
            default -> moved == target ? state : with(with(state, from, 0), to, moved);
        };
    }

    /** A file, by its number, gets another name; which it had before makes no difference. */
    private static @Nullable List<Long> linked(List<Long> state, Call call) {
        long inode = call.number(0);
        int to = index(call.arguments().get(1));
        // A file of unknown number may be this one.
        boolean alive = state.stream().anyMatch(each -> each == inode || each < 0);
        boolean dead = !state.contains(inode);
        boolean there = state.get(to) != 0;
        if (call.errno() != 0 && !call.isOpen()) {
            boolean fits = (there && call.errno() == EEXIST) || (dead && call.errno() == ENOENT);
            return fits ? state : null;
        }
        if (there || !alive) {
            return call.isOpen() ? state : null;
        }
        return with(state, to, inode);
    }

    private static boolean lists(List<Long> state, Call call) {
        if (call.errno() != 0) {
            return false;
        }
        int directory = call.arguments().getFirst().charAt(1) - '0';
        var wanted = new ArrayList<>(state.subList(directory * NAMES, (directory + 1) * NAMES));
        for (String entry :
                Stream.of(call.answer().split(",")).filter(e -> !e.isEmpty()).toList()) {
            int at = index(entry) - directory * NAMES;
            long inode = Long.parseLong(entry.substring(entry.indexOf(':') + 1));
            if (at < 0
                    || at >= NAMES
                    || wanted.get(at) == 0
                    || (wanted.get(at) > 0 && wanted.get(at) != inode)) {
                return false;
            }
            wanted.set(at, 0L);
        }
        return wanted.stream().allMatch(inode -> inode == 0);
    }
}
