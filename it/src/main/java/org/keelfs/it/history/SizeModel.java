package org.keelfs.it.history;

import org.jspecify.annotations.Nullable;

/** The size of a file that is truncated, written behind its end and appended to. */
public final class SizeModel implements ObjectModel<Long> {
    @Override
    public Long initial() {
        return 0L;
    }

    @Override
    public @Nullable Long after(Long state, Call call) {
        return switch (call.what()) {
            case "resize" -> call.number(0);
            case "extend" -> Math.max(state, call.number(0));
            case "grow" -> state + call.number(0);
            case "size" -> call.answer().equals(Long.toString(state)) ? state : null;
            default -> throw new IllegalArgumentException(call.toString());
        };
    }
}
