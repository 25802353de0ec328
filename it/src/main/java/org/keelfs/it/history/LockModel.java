package org.keelfs.it.history;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Locks on sections of a file, and a register in each that is used under its lock alone: so neither
 * may a lock be there twice, nor may a write come from who has lost it. The calls are those of a
 * {@link LockHistory}.
 *
 * <p>The first argument is the owner, an open file description; the second the sections, one bit
 * each, or one section by its number.
 */
public record LockModel(int mounts) implements ObjectModel<LockState> {
    /** Sections of a file (locks.h). */
    private static final int SECTIONS = 3;

    /** EAGAIN: another's lock forbids it. */
    static final int EAGAIN = 11;

    @Override
    public LockState initial() {
        return LockState.initial(SECTIONS, mounts);
    }

    @Override
    public List<LockState> outcomes(LockState state, Call call) {
        return switch (call.what()) {
            case LockHistory.MAYBE, LockHistory.GHOST, LockHistory.DROP -> unseen(state, call);
            case LockHistory.KILLED, LockHistory.PAUSED -> afterLoss(state, call);
            default -> ObjectModel.super.outcomes(state, call);
        };
    }

    /** It happened or not, but not after its mount or its handle had gone. */
    private List<LockState> unseen(LockState state, Call call) {
        Call cause = call.cause();
        LockState.Held own = state.of(cause.number(0), call.mount());
        boolean late =
                state.losses().get(call.mount() - 1) > call.life()
                        || state.closed().contains(own.owner());
        LockState after =
                late
                        ? null
                        : switch (call.what()) {
                            case LockHistory.GHOST -> ghost(state, own, cause);
                            case LockHistory.DROP -> dropped(state, own, cause);
                            default -> after(state, cause);
                        };
        return after == null || after.equals(state) ? List.of(state) : List.of(state, after);
    }

    /** A mount's losses come one after the other; what nobody was told of does not outlive them. */
    private static List<LockState> afterLoss(LockState state, Call call) {
        int mount = call.mount();
        if (state.losses().get(mount - 1) != call.life()) {
            return List.of();
        }
        LockState counted = state.afterLoss(mount);
        LockState gone = counted.without(held -> held.mount() == mount);
        boolean ghosts = state.held().stream().anyMatch(h -> h.mount() == mount && h.ghost());
        boolean must = call.what().equals(LockHistory.KILLED) || ghosts;
        return must || gone.equals(counted) ? List.of(gone) : List.of(counted, gone);
    }

    @Override
    public @Nullable LockState after(LockState state, Call call) {
        LockState.Held own = state.of(call.number(0), call.mount());
        return switch (call.what()) {
            case "lock", "convert" -> locked(state, own, call);
            case "unlock" -> state.with(without(own, (int) call.number(1)));
            case "close" -> state.afterClose(own.owner());
            case "test" -> tested(state, own, call) ? state : null;
            case "write" -> {
                boolean may = (own.exclusive() & section(call)) != 0;
                yield may ? state.with((int) call.number(1), call.number(2)) : null;
            }
            case "read" -> {
                boolean may = ((own.exclusive() | own.shared()) & section(call)) != 0;
                String value = state.values().get((int) call.number(1)).toString();
                yield may && call.answer().equals(value) ? state : null;
            }
            default -> throw new IllegalArgumentException(call.toString());
        };
    }

    private static int section(Call call) {
        return 1 << call.number(1);
    }

    private static boolean isExclusive(Call call) {
        return call.arguments().get(2).equals("ex");
    }

    private static LockState.Held without(LockState.Held own, int sections) {
        return new LockState.Held(
                own.owner(),
                own.mount(),
                own.exclusive() & ~sections,
                own.shared() & ~sections,
                own.ghost());
    }

    private static LockState.Held with(
            LockState.Held own, int sections, boolean exclusive, boolean ghost) {
        LockState.Held rest = without(own, sections);
        return new LockState.Held(
                own.owner(),
                own.mount(),
                rest.exclusive() | (exclusive ? sections : 0),
                rest.shared() | (exclusive ? 0 : sections),
                ghost);
    }

    private static boolean holds(LockState.Held own, Call call) {
        int sections = (int) call.number(1);
        int there = isExclusive(call) ? own.exclusive() : own.shared();
        return (there & sections) == sections;
    }

    private static @Nullable LockState locked(LockState state, LockState.Held own, Call call) {
        int sections = (int) call.number(1);
        boolean free = state.conflicts(own.owner(), sections, isExclusive(call)).isEmpty();
        if (call.errno() == EAGAIN) {
            boolean waits = call.arguments().get(3).equals("wait");
            if (free || waits) {
                return null;
            }
            // A conversion by flock(2) gives up first.
            return call.what().equals("convert") ? state.with(without(own, sections)) : state;
        }
        return free ? state.with(with(own, sections, isExclusive(call), false)) : null;
    }

    /** Where it is not there already: then the program knows of it. */
    private static @Nullable LockState ghost(LockState state, LockState.Held own, Call call) {
        int sections = (int) call.number(1);
        boolean free = state.conflicts(own.owner(), sections, isExclusive(call)).isEmpty();
        return free && !holds(own, call)
                ? state.with(with(own, sections, isExclusive(call), true))
                : null;
    }

    /** What a conversion gives up before it has what it wants. */
    private static @Nullable LockState dropped(LockState state, LockState.Held own, Call call) {
        return holds(own, call) ? null : state.with(without(own, (int) call.number(1)));
    }

    private static boolean tested(LockState state, LockState.Held own, Call call) {
        int sections = (int) call.number(1);
        List<LockState.Held> others = state.conflicts(own.owner(), sections, isExclusive(call));
        return switch (call.answer()) {
            case "un" -> others.isEmpty();
            case "sh" -> others.stream().anyMatch(held -> (held.shared() & sections) != 0);
            default -> others.stream().anyMatch(held -> (held.exclusive() & sections) != 0);
        };
    }
}
