package org.keelfs.it.history;

import org.jspecify.annotations.Nullable;

/** A number that is written and read. */
public record RegisterModel(Long initial) implements ObjectModel<Long> {
    @Override
    public @Nullable Long after(Long state, Call call) {
        if (call.what().equals("write")) {
            return call.number(0);
        }
        return call.errno() == 0 && call.answer().equals(Long.toString(state)) ? state : null;
    }
}
