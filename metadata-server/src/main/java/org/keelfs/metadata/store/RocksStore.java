package org.keelfs.metadata.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.keelfs.namespace.Tables;
import org.rocksdb.AbstractImmutableNativeReference;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.IndexType;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.LRUCache;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Snapshot;
import org.rocksdb.Status.Code;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteBufferManager;
import org.rocksdb.WriteOptions;

/**
 * The metadata server's RocksDB: a family per table, one write-ahead log, which is the local
 * metadata log. Reads are safe from any thread; {@link #change} is called by one thread at a time.
 * Its owner makes sure that nobody is inside when it closes.
 */
public final class RocksStore implements AutoCloseable {
    /* Why a power cut loses a suffix and never a middle. All families share one log, and one WriteBatch is one record
     * of it. Recovery stops at the first record that is not whole (kPointInTimeRecovery): pages of an unsynced log
     * reach the disk in any order, so a torn record may have whole ones behind it, which must not count. A table that
     * is written out to a sorted file cannot run ahead of the log: with several families RocksDB syncs the closed logs
     * before it installs such a file.
     *
     * Why damage is not taken for a torn record (decision 0066). Recovery stops at either. So every record counts the
     * records up to itself, in the default family, and a file beside the log says how many were forced: who finds fewer
     * does not open the store. That is looked up before anything is opened for writing, which would delete the log. */

    static {
        RocksDB.loadLibrary();
    }

    /**
     * Sorted files held open: each costs a descriptor, and its index and filter are in the block
     * cache anyway.
     */
    private static final int OPEN_FILES_MAX = 512;

    /** RocksDB's own messages of this start and of the one before; each start opens it twice. */
    private static final int KEEP_LOG_FILES = 4;

    /**
     * Four shards of the block cache. By default a small cache has shards of half a MiB, and a
     * block that fills one pushes the others out at every read. Indexes and filters are partitioned
     * for the same reason.
     */
    private static final int CACHE_SHARD_BITS = 2;

    /** In the default family: number of records of the log up to the one that holds it. */
    private static final byte[] RECORDS = {'r'};

    private static final WALRecoveryMode RECOVERY = WALRecoveryMode.PointInTimeRecovery;

    private final List<AbstractImmutableNativeReference> owned = new ArrayList<>();
    private final List<ColumnFamilyHandle> handles = new ArrayList<>();
    private final RocksDB db;
    private final WriteOptions unsynced;
    private final KeySpace committed;
    private final Tables tables;
    private final ForcedRecords forced;

    /** Records of the log, written by who changes the tables. */
    private volatile long records;

    private RocksStore(Path directory, StoreBudget budget) {
        DBOptions options = options(budget);
        ColumnFamilyOptions familyOptions = familyOptions(budget);
        List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
        descriptors.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY, familyOptions));
        for (Family family : Family.values()) {
            descriptors.add(new ColumnFamilyDescriptor(family.columnFamilyName(), familyOptions));
        }
        try {
            checkHistory(directory);
            db = RocksDB.open(options, directory.toString(), descriptors, handles);
        } catch (RocksDBException e) {
            closeOwned();
            boolean damaged = e.getStatus() != null && e.getStatus().getCode() == Code.Corruption;
            throw damaged
                    ? new StoreException(damaged(directory, String.valueOf(e.getMessage())))
                    : new StoreException("cannot open the metadata store in " + directory, e);
        } catch (StoreException e) {
            closeOwned();
            throw e;
        }
        try {
            records = records(db);
            forced = new ForcedRecords(directory);
            // Opening wrote what the log held to synced files.
            forced.onForced(records);
        } catch (RocksDBException | IOException e) {
            closeAll();
            throw new StoreException("cannot open the metadata store in " + directory, e);
        }
        unsynced = own(new WriteOptions().setSync(false));
        committed = new View(own(new ReadOptions()));
        tables = new RocksTables(committed);
    }

    /** Opens or creates the store; a {@link StoreException} says why it cannot. */
    public static RocksStore open(Path directory, StoreBudget budget) {
        return new RocksStore(directory, budget);
    }

    /** Refuses a log that ends before what was forced; changes nothing. */
    private static void checkHistory(Path directory) throws RocksDBException {
        long before;
        try {
            before = ForcedRecords.in(directory);
        } catch (IOException e) {
            throw new StoreException("cannot open the metadata store in " + directory, e);
        }
        if (before == 0) {
            return;
        }
        // Of the other families nothing is read here: the rows would fill the memory once more.
        var found = new ArrayList<ColumnFamilyHandle>();
        try (var options = new DBOptions().setWalRecoveryMode(RECOVERY);
                var family = new ColumnFamilyOptions();
                var store =
                        RocksDB.openReadOnly(
                                options,
                                directory.toString(),
                                List.of(
                                        new ColumnFamilyDescriptor(
                                                RocksDB.DEFAULT_COLUMN_FAMILY, family)),
                                found)) {
            long left = records(store);
            found.forEach(ColumnFamilyHandle::close);
            if (left < before) {
                throw new StoreException(
                        damaged(
                                directory,
                                "of " + before + " records forced to disk " + left + " are left"));
            }
        }
    }

    private static String damaged(Path directory, String how) {
        return "the metadata log in "
                + directory
                + " is damaged before its end ("
                + how
                + "): the server does not start, and nothing was changed. Keep this directory, look"
                + " at the disk, and restore the directory from a copy made while the server was"
                + " stopped";
    }

    private static long records(RocksDB db) throws RocksDBException {
        byte[] count = db.get(RECORDS);
        return count == null ? 0 : ByteBuffer.wrap(count).getLong();
    }

    private <R extends AbstractImmutableNativeReference> R own(R reference) {
        owned.add(reference);
        return reference;
    }

    private DBOptions options(StoreBudget budget) {
        Cache cache = own(new LRUCache(1 << 16));
        return own(
                new DBOptions()
                        .setCreateIfMissing(true)
                        .setCreateMissingColumnFamilies(true)
                        .setWalRecoveryMode(RECOVERY)
                        .setWriteBufferManager(
                                own(new WriteBufferManager(budget.memtableBytes(), cache)))
                        .setMaxTotalWalSize(budget.walBytes())
                        .setMaxOpenFiles(OPEN_FILES_MAX)
                        .setMaxBackgroundJobs(2)
                        .setStatsDumpPeriodSec(0)
                        .setInfoLogLevel(InfoLogLevel.WARN_LEVEL)
                        .setMaxLogFileSize(1 << 20)
                        .setKeepLogFileNum(KEEP_LOG_FILES));
    }

    private ColumnFamilyOptions familyOptions(StoreBudget budget) {
        Cache blocks = own(new LRUCache(budget.blockCacheBytes(), CACHE_SHARD_BITS));
        BlockBasedTableConfig format =
                new BlockBasedTableConfig()
                        .setBlockCache(blocks)
                        .setCacheIndexAndFilterBlocks(true)
                        .setIndexType(IndexType.kTwoLevelIndexSearch)
                        .setPartitionFilters(true)
                        .setPinTopLevelIndexAndFilter(true)
                        .setFilterPolicy(own(new BloomFilter(10)))
                        .setFormatVersion(5);
        return own(
                new ColumnFamilyOptions()
                        .setTableFormatConfig(format)
                        .setWriteBufferSize(budget.memtableBytes() / 2)
                        .setMaxWriteBufferNumber(3)
                        .setCompressionType(CompressionType.LZ4_COMPRESSION)
                        .setLevelCompactionDynamicLevelBytes(true));
    }

    /** What is committed, now at each call; changes throw. */
    public Tables tables() {
        return tables;
    }

    /** Reads one state of the tables. */
    public <T extends @Nullable Object> T read(Function<Tables, T> reader) {
        Snapshot snapshot = db.getSnapshot();
        try (ReadOptions options = new ReadOptions().setSnapshot(snapshot)) {
            return reader.apply(new RocksTables(new View(options)));
        } finally {
            db.releaseSnapshot(snapshot);
        }
    }

    /**
     * Runs a change on the tables and writes what it did to the log in one record, unsynced; writes
     * nothing when it throws.
     */
    public <T> T change(Function<Tables, T> change) {
        Overlay overlay = new Overlay(committed);
        T result = change.apply(new RocksTables(overlay));
        try (WriteBatch batch = new WriteBatch()) {
            overlay.forEach(
                    (Family family, byte[] key, byte @Nullable [] value) ->
                            add(batch, family, key, value));
            if (batch.count() > 0) {
                long count = records + 1;
                batch.put(RECORDS, ByteBuffer.allocate(Long.BYTES).putLong(count).array());
                db.write(unsynced, batch);
                records = count;
            }
        } catch (RocksDBException e) {
            throw new StoreException("cannot write to the metadata log", e);
        }
        return result;
    }

    private void add(WriteBatch batch, Family family, byte[] key, byte @Nullable [] value)
            throws RocksDBException {
        if (value == null) {
            batch.delete(handle(family), key);
        } else {
            batch.put(handle(family), key, value);
        }
    }

    /** Grows with every change, across restarts too, except for changes that a power cut took. */
    public long position() {
        return db.getLatestSequenceNumber();
    }

    /** Makes everything that was written before the call survive a power cut. */
    public void sync() {
        long written = records;
        try {
            db.syncWal();
            forced.onForced(written);
        } catch (RocksDBException | IOException e) {
            throw new StoreException("cannot sync the metadata log", e);
        }
    }

    @Override
    public void close() {
        try {
            forced.close();
        } catch (IOException e) {
            throw new StoreException("cannot close the metadata store", e);
        } finally {
            closeAll();
        }
    }

    private void closeAll() {
        handles.forEach(ColumnFamilyHandle::close);
        db.close();
        closeOwned();
    }

    private void closeOwned() {
        for (AbstractImmutableNativeReference reference : owned.reversed()) {
            reference.close();
        }
    }

    /** The first handle is the default family, which holds {@link #RECORDS} alone. */
    private ColumnFamilyHandle handle(Family family) {
        return handles.get(family.ordinal() + 1);
    }

    private static UnsupportedOperationException readOnly() {
        return new UnsupportedOperationException("tables change only inside a command");
    }

    /** The database as these options see it. */
    private final class View implements KeySpace {
        private final ReadOptions options;

        View(ReadOptions options) {
            this.options = options;
        }

        @Override
        public byte @Nullable [] get(Family family, byte[] key) {
            try {
                return db.get(handle(family), options, key);
            } catch (RocksDBException e) {
                throw new StoreException("cannot read the metadata store", e);
            }
        }

        @Override
        public void scan(Family family, byte[] prefix, byte[] from, Visitor visitor) {
            try (Slice bound = prefix.length == 0 ? null : new Slice(end(prefix));
                    ReadOptions bounded = new ReadOptions(options)) {
                if (bound != null) {
                    bounded.setIterateUpperBound(bound);
                }
                try (RocksIterator at = db.newIterator(handle(family), bounded)) {
                    at.seek(from);
                    while (at.isValid() && visitor.visit(at.key(), at.value())) {
                        at.next();
                    }
                    at.status();
                }
            } catch (RocksDBException e) {
                throw new StoreException("cannot read the metadata store", e);
            }
        }

        @Override
        public void put(Family family, byte[] key, byte[] value) {
            throw readOnly();
        }

        @Override
        public void delete(Family family, byte[] key) {
            throw readOnly();
        }
    }

    /** The first key behind all keys with this prefix; ids never come near all ones. */
    private static byte[] end(byte[] prefix) {
        byte[] end = prefix.clone();
        for (int i = end.length - 1; i >= 0; i--) {
            if (++end[i] != 0) {
                return end;
            }
        }
        throw new IllegalArgumentException("a prefix of ones alone");
    }
}
