package org.keelfs.it.history;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A file of records of one length that is appended to and emptied. */
public record ListModel(int recordBytes) implements ObjectModel<List<Long>> {
    @Override
    public List<Long> initial() {
        return List.of();
    }

    @Override
    public @Nullable List<Long> after(List<Long> state, Call call) {
        return switch (call.what()) {
            case "append" -> {
                var longer = new ArrayList<Long>(state.size() + 1);
                longer.addAll(state);
                longer.add(call.number(0));
                yield List.copyOf(longer);
            }
            case "empty" -> List.of();
            case "read" -> call.answer().equals(text(state)) ? state : null;
            case "bytes" ->
                    call.answer().equals(Long.toString((long) state.size() * recordBytes))
                            ? state
                            : null;
            default -> throw new IllegalArgumentException(call.toString());
        };
    }

    private static String text(List<Long> records) {
        var text = new StringBuilder();
        for (long record : records) {
            text.append(text.isEmpty() ? "" : ",").append(record);
        }
        return text.toString();
    }
}
