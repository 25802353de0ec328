package org.keelfs.node.index;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.function.ObjLongConsumer;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.CompressionType;
import org.rocksdb.FlushOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/**
 * The table on disk: chunk number to {@link ChunkEntry}, and where the log goes on behind it.
 * Written without a write-ahead log of its own, which the sector log is; memory tables reach the
 * disk in the order in which they were written, so the checkpoint, written last, is never there
 * without what it stands for. Any thread.
 */
final class IndexFile implements AutoCloseable {
    /** Changes between two flushes: some thousand entries. */
    private static final long WRITE_BUFFER_BYTES = 4 << 20;

    private static final int BLOOM_BITS = 10;
    private static final int OPEN_FILES_MAX = 64;
    private static final byte[] CHECKPOINT_KEY = {'m', 'c'};
    private static final byte[] FLOOR_KEY = {'m', 'f'};
    private static final byte CHUNK_PREFIX = 'c';

    private final LRUCache cache;
    private final BloomFilter bloom;
    private final Options options;
    private final WriteOptions noLog;
    private final RocksDB db;

    static {
        RocksDB.loadLibrary();
    }

    IndexFile(Path directory, long cacheBytes) throws IOException {
        cache = new LRUCache(cacheBytes);
        bloom = new BloomFilter(BLOOM_BITS);
        var table = new BlockBasedTableConfig();
        table.setBlockCache(cache);
        table.setFilterPolicy(bloom);
        table.setCacheIndexAndFilterBlocks(true);
        options = new Options();
        options.setCreateIfMissing(true);
        options.setTableFormatConfig(table);
        options.setWriteBufferSize(WRITE_BUFFER_BYTES);
        options.setMaxWriteBufferNumber(2);
        options.setMaxBackgroundJobs(2);
        options.setMaxOpenFiles(OPEN_FILES_MAX);
        options.setCompressionType(CompressionType.LZ4_COMPRESSION);
        options.setInfoLogLevel(InfoLogLevel.WARN_LEVEL);
        options.setKeepLogFileNum(2);
        noLog = new WriteOptions();
        noLog.setDisableWAL(true);
        try {
            db = RocksDB.open(options, directory.toString());
        } catch (RocksDBException e) {
            closeOptions();
            throw new IOException("index " + directory + " cannot be opened: " + e.getMessage(), e);
        }
    }

    @Nullable ChunkEntry load(long chunk) {
        try {
            byte[] bytes = db.get(key(chunk));
            return bytes == null ? null : ChunkEntry.decode(chunk, bytes);
        } catch (RocksDBException e) {
            throw failed(e);
        }
    }

    /** A change to one chunk: its encoded entry, or null when it is gone. */
    record Change(long chunk, byte @Nullable [] entry) {}

    void write(List<Change> changes) {
        try (var batch = new WriteBatch()) {
            for (var change : changes) {
                byte[] entry = change.entry();
                if (entry == null) {
                    batch.delete(key(change.chunk()));
                } else {
                    batch.put(key(change.chunk()), entry);
                }
            }
            db.write(noLog, batch);
        } catch (RocksDBException e) {
            throw failed(e);
        }
    }

    /** Writes the checkpoint behind everything written before and makes all of it durable. */
    void checkpoint(long position, long floor) {
        try (var flush = new FlushOptions().setWaitForFlush(true)) {
            db.put(noLog, FLOOR_KEY, ByteBuffer.allocate(8).putLong(floor).array());
            db.put(noLog, CHECKPOINT_KEY, ByteBuffer.allocate(8).putLong(position).array());
            db.flush(flush);
        } catch (RocksDBException e) {
            throw failed(e);
        }
    }

    long checkpointPosition() {
        return number(CHECKPOINT_KEY);
    }

    long floor() {
        return number(FLOOR_KEY);
    }

    private long number(byte[] key) {
        try {
            byte[] bytes = db.get(key);
            return bytes == null ? 0 : ByteBuffer.wrap(bytes).getLong();
        } catch (RocksDBException e) {
            throw failed(e);
        }
    }

    /** All entries with their chunks, ascending. */
    void forEach(ObjLongConsumer<byte[]> action) {
        try (var entries = db.newIterator()) {
            for (entries.seek(new byte[] {CHUNK_PREFIX}); entries.isValid(); entries.next()) {
                byte[] key = entries.key();
                if (key[0] != CHUNK_PREFIX) {
                    break;
                }
                action.accept(entries.value(), ByteBuffer.wrap(key, 1, 8).getLong());
            }
            entries.status();
        } catch (RocksDBException e) {
            throw failed(e);
        }
    }

    private static byte[] key(long chunk) {
        return ByteBuffer.allocate(9).put(CHUNK_PREFIX).putLong(chunk).array();
    }

    private static IllegalStateException failed(RocksDBException e) {
        return new IllegalStateException("the index failed: " + e.getMessage(), e);
    }

    private void closeOptions() {
        noLog.close();
        options.close();
        bloom.close();
        cache.close();
    }

    @Override
    public void close() {
        db.close();
        closeOptions();
    }
}
