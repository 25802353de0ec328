package org.keelfs.register;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.ChunkId;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/**
 * A node's table in memory, fed with {@link ReplicaRecord}s in log order: what every store must
 * show after the same records. The simulator and tests run on it. Confined to its owner.
 */
public final class MemoryReplicaTable implements ReplicaTable {
    private final Map<ChunkId, Chunk> chunks = new LinkedHashMap<>();
    private long floor;
    private long floorPosition;

    private static final class Chunk {
        ReplicaState state = ReplicaState.UNKNOWN;
        long position;
        long sealPosition;
        final TreeMap<Integer, Cell> cells = new TreeMap<>();
        final List<StagedFixes> staged = new ArrayList<>();
    }

    private record Cell(Timestamp timestamp, @Nullable Payload payload, long position) {}

    private record StagedFixes(long epoch, List<ValueRun> fixes) {}

    /** The next record of the log; durable once the log is durable up to {@code position}. */
    public void apply(ReplicaRecord record, long position) {
        switch (record) {
            case ReplicaRecord.State(var id, var state) -> {
                var chunk = enter(id, state, position);
                if (state.status() == ReplicaState.Status.DAMAGED) {
                    chunk.cells.clear();
                    chunk.staged.clear();
                }
            }
            case ReplicaRecord.Put(var id, var state, var values) -> {
                var chunk = enter(id, state, position);
                values.forEach(value -> put(chunk, value, position));
            }
            case ReplicaRecord.Stage(var id, var state, long epoch, var fixes) ->
                    enter(id, state, position).staged.add(new StagedFixes(epoch, fixes));
            case ReplicaRecord.Unstage(var id) -> {
                var chunk = chunks.get(id);
                if (chunk != null) {
                    chunk.staged.clear();
                    chunk.position = position;
                }
            }
            case ReplicaRecord.Install(var id, var state, var fixes) -> {
                var chunk = enter(id, state, position);
                for (StagedFixes staged : chunk.staged) {
                    if (staged.epoch == state.sealed()) {
                        staged.fixes.forEach(fix -> put(chunk, fix, position));
                    }
                }
                fixes.forEach(fix -> put(chunk, fix, position));
                chunk.staged.clear();
            }
            case ReplicaRecord.Tombstone(var id, var state) -> {
                var chunk = enter(id, state, position);
                chunk.cells.clear();
                chunk.staged.clear();
            }
            case ReplicaRecord.Drop(var id) -> chunks.remove(id);
            case ReplicaRecord.Floor(long epoch) -> {
                floor = epoch;
                floorPosition = position;
            }
        }
    }

    private Chunk enter(ChunkId id, ReplicaState state, long position) {
        var chunk = chunks.computeIfAbsent(id, _ -> new Chunk());
        if (chunk.state.promised() != state.promised()
                || chunk.state.sealed() != state.sealed()
                || chunk.state.status() != state.status()) {
            chunk.sealPosition = position;
        }
        chunk.state = state;
        chunk.position = position;
        if (!chunk.staged.isEmpty()) {
            chunk.staged.removeIf(staged -> staged.epoch < state.promised());
        }
        return chunk;
    }

    private static void put(Chunk chunk, ValueRun value, long position) {
        SectorRun run = value.run();
        for (int sector = run.first(); sector < run.end(); sector++) {
            if (value.timestamp().equals(Timestamp.ZERO)) {
                chunk.cells.remove(sector);
                continue;
            }
            var payload = value.payload();
            var bytes = payload == null ? null : payload.sectors(sector - run.first(), 1);
            chunk.cells.put(sector, new Cell(value.timestamp(), bytes, position));
        }
    }

    /** Values in place in a run, one entry a sector. */
    public List<ValueRun> values(ChunkId id, SectorRun run) {
        var values = new ArrayList<ValueRun>();
        var chunk = chunks.get(id);
        if (chunk != null) {
            chunk.cells
                    .subMap(run.first(), run.end())
                    .forEach(
                            (sector, cell) ->
                                    values.add(
                                            new ValueRun(
                                                    new SectorRun(sector, 1),
                                                    cell.timestamp,
                                                    cell.payload)));
        }
        return values;
    }

    /** All chunks that are known, in the order in which they came. */
    public List<ChunkId> chunks() {
        return List.copyOf(chunks.keySet());
    }

    @Override
    public @Nullable ReplicaState state(ChunkId id) {
        var chunk = chunks.get(id);
        return chunk == null ? null : chunk.state;
    }

    @Override
    public long floor() {
        return floor;
    }

    @Override
    public List<StampRun> stamps(ChunkId id, SectorRun range) {
        var stamps = new ArrayList<StampRun>();
        var chunk = chunks.get(id);
        if (chunk == null) {
            return stamps;
        }
        chunk.cells
                .subMap(range.first(), range.end())
                .forEach(
                        (sector, cell) ->
                                append(stamps, sector, cell.timestamp, cell.payload == null));
        return stamps;
    }

    /** Adds a sector, merged with its left neighbour where they agree. */
    private static void append(
            List<StampRun> stamps, int sector, Timestamp timestamp, boolean hole) {
        if (!stamps.isEmpty()) {
            var last = stamps.getLast();
            if (last.run().end() == sector
                    && last.hole() == hole
                    && last.timestamp().equals(timestamp)) {
                var longer = SectorRun.between(last.run().first(), sector + 1);
                stamps.set(stamps.size() - 1, new StampRun(longer, timestamp, hole));
                return;
            }
        }
        stamps.add(new StampRun(new SectorRun(sector, 1), timestamp, hole));
    }

    @Override
    public List<StampRun> staged(ChunkId id, long epoch) {
        var stamps = new ArrayList<StampRun>();
        var chunk = chunks.get(id);
        if (chunk != null) {
            for (StagedFixes staged : chunk.staged) {
                if (staged.epoch == epoch) {
                    staged.fixes.forEach(
                            fix ->
                                    stamps.add(
                                            new StampRun(
                                                    fix.run(), fix.timestamp(), fix.isHole())));
                }
            }
        }
        return stamps;
    }

    @Override
    public long position(ChunkId id) {
        var chunk = chunks.get(id);
        return chunk == null ? 0 : chunk.position;
    }

    @Override
    public long sealPosition(ChunkId id) {
        var chunk = chunks.get(id);
        return chunk == null ? 0 : chunk.sealPosition;
    }

    @Override
    public long position(ChunkId id, SectorRun range) {
        long position = 0;
        var chunk = chunks.get(id);
        if (chunk != null) {
            for (Cell cell : chunk.cells.subMap(range.first(), range.end()).values()) {
                position = Math.max(position, cell.position);
            }
        }
        return position;
    }

    @Override
    public long floorPosition() {
        return floorPosition;
    }
}
