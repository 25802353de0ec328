package org.keelfs.client.data;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.client.data.RunSplitter.ChunkRun;
import org.keelfs.client.quorum.ChunkIo;
import org.keelfs.model.InodeId;

/**
 * Which chunks of files there are, for who would else ask for each index of a hole: files may reach
 * over 2^43 of them. Thread-safe.
 */
final class ChunkMap {
    /** Chunks whose indexes or layouts one call asks for. */
    static final int CHUNKS_MAX = 256;

    private final ChunkIo io;
    private final RunSplitter splitter;

    ChunkMap(DataParts parts) {
        this.io = parts.io();
        this.splitter = parts.splitter();
    }

    /** At most {@link #CHUNKS_MAX} indexes from this one on; fewer: there are no more. */
    List<Long> find(InodeId inode, long fromIndex, long deadlineNs) {
        return Waits.await(io.find(inode, fromIndex, CHUNKS_MAX), deadlineNs, "map of " + inode);
    }

    /** The places {@code [from, end)} as far as there may be chunks, ascending. */
    Runs runs(InodeId inode, long from, long end, long deadlineNs) {
        return new Runs(inode, from, end, deadlineNs);
    }

    /** Confined to its thread. */
    final class Runs {
        private final InodeId inode;
        private final long end;
        private final long deadlineNs;

        /** In front of it all was given. */
        private long from;

        private Runs(InodeId inode, long from, long end, long deadlineNs) {
            this.inode = inode;
            this.from = from;
            this.end = end;
            this.deadlineNs = deadlineNs;
        }

        /** Runs of at most {@link #CHUNKS_MAX} chunks; empty at the end. */
        List<ChunkRun> next() {
            if (from >= end) {
                return List.of();
            }
            long last = splitter.chunkIndex(end - 1);
            if (last - splitter.chunkIndex(from) < CHUNKS_MAX) {
                // Their layouts cost one call, or none where they are known.
                List<ChunkRun> rest = splitter.split(from, end, Integer.MAX_VALUE);
                from = end;
                return rest;
            }
            List<Long> indexes = find(inode, splitter.chunkIndex(from), deadlineNs);
            List<ChunkRun> runs = new ArrayList<>(indexes.size());
            for (long index : indexes) {
                if (index <= last) {
                    long first = Math.max(from, splitter.placeIn(index, 0));
                    long behind = Math.min(end, splitter.placeIn(index + 1, 0));
                    runs.addAll(splitter.split(first, behind, Integer.MAX_VALUE));
                }
            }
            boolean isLast = indexes.size() < CHUNKS_MAX || indexes.getLast() >= last;
            from = isLast ? end : splitter.placeIn(indexes.getLast() + 1, 0);
            return runs;
        }
    }
}
