package org.keelfs.base;

import com.google.errorprone.annotations.FormatMethod;

/** Laws that hold always, checked in production too. A broken one is a bug, never an answer. */
public final class Invariant {
    private Invariant() {}

    /** Throws {@link InvariantViolation} when the law does not hold. */
    @Contract("false, _ -> fail")
    public static void check(boolean holds, String law) {
        if (!holds) {
            throw new InvariantViolation(law);
        }
    }

    /** The same with the numbers of the case in the message, formatted only on failure. */
    @FormatMethod
    @Contract("false, _, _ -> fail")
    public static void check(boolean holds, String format, Object... arguments) {
        if (!holds) {
            throw new InvariantViolation(String.format(format, arguments));
        }
    }
}
