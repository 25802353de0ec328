package org.keelfs.it.bench;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import org.keelfs.crypto.ChunkKey;
import org.keelfs.crypto.DamagedSectorException;
import org.keelfs.crypto.SectorCipher;
import org.keelfs.model.Payload;
import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Encryption and decryption of a run, between direct buffers as on the data path. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(1)
public class SectorCipherBench {
    private static final Timestamp STAMP = new Timestamp(3, 5, 7);

    /** Sectors of the run. */
    @Param({"1", "256"})
    public int sectors;

    private final SectorCipher cipher = new SectorCipher();
    private final ChunkKey key = ChunkKey.random();
    private SectorRun run = new SectorRun(0, 1);
    private ByteBuffer plain = ByteBuffer.allocateDirect(0);
    private ByteBuffer stored = ByteBuffer.allocateDirect(0);

    /** Fills the buffers. */
    @Setup
    public void setUp() {
        run = new SectorRun(0, sectors);
        plain = ByteBuffer.allocateDirect(sectors * SectorRun.SECTOR_BYTES);
        stored = ByteBuffer.allocateDirect(sectors * Payload.STORED_SECTOR_BYTES);
        cipher.encrypt(key, 1, run, STAMP, plain, stored);
    }

    @Benchmark
    public void encrypt() {
        cipher.encrypt(key, 1, run, STAMP, plain, stored);
    }

    /** Of what {@link #setUp} encrypted. */
    @Benchmark
    public void decrypt() throws DamagedSectorException {
        cipher.decrypt(key, 1, run, STAMP, stored, plain);
    }
}
