package org.keelfs.it.sim.mutant;

import java.io.PrintStream;
import java.util.List;

/** Replays seeds: {@code scripts/simulate [--mutant NAME] SEED...}, or a range {@code FROM..TO}. */
public final class Simulate {
    private final Mutant variant;
    private final PrintStream out;

    private Simulate(Mutant variant, PrintStream out) {
        this.variant = variant;
        this.out = out;
    }

    /** Exit code 1 when a seed fails. */
    public static void main(String[] arguments) {
        var seeds = List.of(arguments);
        var variant = Mutant.NONE;
        if (!seeds.isEmpty() && seeds.getFirst().equals("--mutant")) {
            variant = Mutant.valueOf(seeds.get(1));
            seeds = seeds.subList(2, seeds.size());
        }
        var simulate = new Simulate(variant, System.out);
        long failed = 0;
        for (String seed : seeds) {
            failed += simulate.play(seed);
        }
        System.exit(failed > 0 ? 1 : 0);
    }

    /** A seed or a range of seeds; how many failed. */
    private long play(String argument) {
        int dots = argument.indexOf("..");
        long from = Long.parseLong(dots < 0 ? argument : argument.substring(0, dots));
        long to = dots < 0 ? from : Long.parseLong(argument.substring(dots + 2));
        long failed = 0;
        for (long seed = from; seed <= to; seed++) {
            failed += play(seed, from == to) ? 0 : 1;
        }
        out.printf("%s: %d failed%n", argument, failed);
        return failed;
    }

    /** Whether the seed passed. Alone or failed it is printed, and failed with its trace. */
    private boolean play(long seed, boolean alone) {
        var result = variant.run(seed, alone);
        if (alone || result.violation() != null) {
            out.printf("seed %d: %s%n", seed, variant.options(seed));
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
