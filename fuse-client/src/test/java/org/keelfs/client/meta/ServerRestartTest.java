package org.keelfs.client.meta;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.keelfs.wire.proto.MetadataProto.Command;
import org.keelfs.wire.proto.MetadataProto.UnlinkCommandValue;

/**
 * Programs whose commands are answered by a metadata server that crashes again and again, also
 * while it is brought up to date: nothing answered is lost, done twice or out of order, and what
 * was forced is so in the log.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class ServerRestartTest {
    /** Shorter than what a session that waits for its deadline would need. */
    private static final long TIMEOUT_MS = 30_000;

    private static final int PROGRAMS = 4;

    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(2);
    private final ExecutorService blocking = Executors.newVirtualThreadPerTaskExecutor();
    private volatile boolean stop;

    private static final class NobodyEvicts extends QuietListener {
        @Override
        public void onSessionLost() {
            throw new AssertionError("nobody evicts");
        }
    }

    @AfterEach
    void close() {
        timer.shutdownNow();
        blocking.shutdownNow();
    }

    /** Answered commands of one program, in order. */
    private final class Program {
        final List<Command> answered = new ArrayList<>();
        final int number;

        Program(int number) {
            this.number = number;
        }

        void run(MetadataSession session, CrashingServer server) {
            for (int i = 0; !stop; i++) {
                List<Command> batch = new ArrayList<>();
                for (int each = 0; each <= i % 3; each++) {
                    batch.add(named(number + "." + i + "." + each));
                }
                var _ = session.submit(batch);
                answered.addAll(batch);
                if (i % 7 == number) {
                    session.force();
                    assertTrue(
                            server.forcedCommands().containsAll(answered),
                            "forced, and not in the log");
                }
            }
        }
    }

    private static Command named(String name) {
        return Command.newBuilder()
                .setUnlink(UnlinkCommandValue.newBuilder().setName(ByteString.copyFromUtf8(name)))
                .build();
    }

    private static void pause(long ms) {
        await().pollDelay(ms, TimeUnit.MILLISECONDS).until(() -> true);
    }

    private static String programOf(Command command) {
        String name = command.getUnlink().getName().toString(StandardCharsets.UTF_8);
        return name.substring(0, name.indexOf('.'));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void nothingAnsweredIsLostTwiceOrOutOfOrder(long seed) throws Exception {
        var server = new CrashingServer(seed, timer);
        var session =
                new MetadataSession(
                        new SessionConfig("v", new byte[16], TIMEOUT_MS, 5_000),
                        new NobodyEvicts(),
                        _ -> server,
                        timer,
                        blocking);
        session.open();
        List<Program> programs = new ArrayList<>();
        List<Future<?>> running = new ArrayList<>();
        for (int i = 0; i < PROGRAMS; i++) {
            var program = new Program(i);
            programs.add(program);
            running.add(blocking.submit(() -> program.run(session, server)));
        }
        long[] upMs = {300, 1_010, 20, 1_200, 2, 1_005, 1_000, 0};
        for (long ms : upMs) {
            pause(ms);
            server.crash();
            pause(ms % 30);
            server.start();
        }
        await().atMost(20, TimeUnit.SECONDS).until(server::isReclaimed);
        stop = true;
        for (Future<?> each : running) {
            each.get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        }
        session.force();
        List<Command> log = server.forcedCommands();
        assertEquals(server.commands(), log, "all of it is forced");
        for (Program program : programs) {
            assertEquals(
                    program.answered,
                    log.stream()
                            .filter(c -> programOf(c).equals(Integer.toString(program.number)))
                            .toList());
        }
    }
}
