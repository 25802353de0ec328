package org.keelfs.it.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.keelfs.it.sim.mutant.Mutant;

/** The simulator over fixed seeds; scripts/simulate goes further. */
class SimulatorTest {
    /** Seconds on one core. */
    private static final int SEEDS = 4_000;

    /** Seeds of each variant's scenario on which the right rules must hold. */
    private static final int CONTROL_SEEDS = 60;

    /** Every variant is caught well before; what shifts its chances must not make the test fail. */
    private static final long MUTANT_SEEDS_MAX = 20_000;

    @Test
    void everySeedOfTheSwarmIsLinearizableAndEnds() {
        long answered = 0;
        for (long seed = 1; seed <= SEEDS; seed++) {
            var result = Mutant.NONE.run(seed, false);
            assertNull(result.violation(), "seed " + seed + ": " + Mutant.NONE.options(seed));
            answered += result.answered();
        }
        assertTrue(answered > 10L * SEEDS, "operations are answered: " + answered);
    }

    @Test
    void aSeedRunTwiceGivesTheSameEvents() {
        for (long seed = 1; seed <= 50; seed++) {
            assertEquals(
                    Mutant.NONE.run(seed, true).hash(),
                    Mutant.NONE.run(seed, false).hash(),
                    "seed " + seed);
        }
    }

    @ParameterizedTest
    @EnumSource(Mutant.class)
    void theRightRulesHoldInTheScenarioOf(Mutant variant) {
        for (long seed = 1; seed <= CONTROL_SEEDS; seed++) {
            var result = SimCluster.run(seed, variant.options(seed), new SimRules(), false);
            assertNull(result.violation(), "seed " + seed + ": " + variant.options(seed));
        }
    }

    @ParameterizedTest
    @EnumSource(value = Mutant.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void isCaught(Mutant variant) {
        assertTrue(
                variant.caughtBy(MUTANT_SEEDS_MAX) > 0,
                variant + " is not caught within " + MUTANT_SEEDS_MAX + " seeds");
    }
}
