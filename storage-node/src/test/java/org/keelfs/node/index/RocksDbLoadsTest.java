package org.keelfs.node.index;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;

final class RocksDbLoadsTest {
    @Test
    void aValueIsThereAfterReopening(@TempDir Path directory) throws RocksDBException {
        byte[] key = {1};
        byte[] value = {2, 3};
        try (var options = new Options().setCreateIfMissing(true)) {
            try (var db = RocksDB.open(options, directory.toString())) {
                db.put(key, value);
            }
            try (var db = RocksDB.open(options, directory.toString())) {
                assertArrayEquals(value, db.get(key));
            }
        }
    }
}
