package org.keelfs.it.sim;

import java.io.PrintStream;

/** Replays seeds: {@code scripts/simulate SEED...}, or a range {@code FROM..TO}. */
public final class Simulate {
    private Simulate() {}

    /** Exit code 1 when a seed fails. */
    public static void main(String[] arguments) {
        boolean failed = false;
        for (String argument : arguments) {
            int dots = argument.indexOf("..");
            long from = Long.parseLong(dots < 0 ? argument : argument.substring(0, dots));
            long to = dots < 0 ? from : Long.parseLong(argument.substring(dots + 2));
            long failures = 0;
            for (long seed = from; seed <= to; seed++) {
                failures += play(seed, from == to, System.out) ? 0 : 1;
            }
            System.out.printf("%s: %d failed%n", argument, failures);
            failed |= failures > 0;
        }
        System.exit(failed ? 1 : 0);
    }

    /**
     * Runs a seed; prints it when told to or when it fails, then with its trace. Whether it passed.
     */
    private static boolean play(long seed, boolean verbose, PrintStream out) {
        var options = SimOptions.of(seed);
        var result = SimCluster.run(seed, options, new SimRules(), verbose);
        if (verbose || result.violation() != null) {
            out.printf("seed %d: %s%n", seed, options);
            out.printf(
                    "events %d, hash %016x, answered %d%n",
                    result.events(), result.hash(), result.answered());
        }
        if (result.violation() != null) {
            out.println(result.violation());
            result.trace().forEach(out::println);
        }
        return result.violation() == null;
    }
}
