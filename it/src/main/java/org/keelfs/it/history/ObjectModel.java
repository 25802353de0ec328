package org.keelfs.it.history;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an object does when calls come one at a time. States are values: equal when nothing can tell
 * them apart.
 */
public interface ObjectModel<S> {
    S initial();

    /**
     * The state after a call.
     *
     * @param call if it is open, it takes effect here, whatever it would have answered
     * @return null when it cannot have been answered so in this state
     */
    @Nullable S after(S state, Call call);

    /** All states that there may be after a call, where more than one may; none: as above. */
    default List<S> outcomes(S state, Call call) {
        S after = after(state, call);
        return after == null ? List.of() : List.of(after);
    }

    /** Takes back what led from {@code before} to {@code after}, leaving what others did since. */
    default S undo(S now, S before, S after) {
        return before;
    }

    /**
     * Parts of the object that a call concerns, one bit each: who uses a part sees all that was
     * done to it, and others have that on record from then on.
     */
    default int parts(Call call) {
        return 1;
    }
}
