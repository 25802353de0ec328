package org.keelfs.it.sim;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.it.check.Operation;
import org.keelfs.model.SectorRun;
import org.keelfs.register.ChunkGrant.Mode;

/** One call of a workload: over a run, with one entry in the history for each sector. */
final class SimOperation {
    enum Kind {
        READ,
        WRITE,
        TRIM,
        TRUNCATE
    }

    final Kind kind;
    final SectorRun run;
    final long value;
    final Mode mode;
    final List<Operation> entries = new ArrayList<>();
    int attempts;

    /** Session under which its bytes last went out; 0 before. */
    long sentBy;

    /** Whether an earlier attempt ended without a known outcome. */
    boolean unknown;

    boolean ended;

    SimOperation(Kind kind, SectorRun run, long value, Mode mode) {
        this.kind = kind;
        this.run = run;
        this.value = value;
        this.mode = mode;
    }

    boolean covered(Mode held) {
        return mode == held || (kind == Kind.READ && mode == Mode.READ && held == Mode.WRITE);
    }

    @Override
    public String toString() {
        return kind + " " + run + (kind == Kind.READ ? "" : " " + value) + " under " + mode;
    }
}
