package org.keelfs.it.bench;

import com.google.protobuf.ByteString;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.keelfs.buffer.BufferPool;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.rpc.RpcAuthority;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.pki.CertificateAuthority;
import org.keelfs.security.tls.Role;
import org.keelfs.wire.proto.MetadataProto.Xattr;

/**
 * Calls over TLS on loopback, both ends in this process: round trips a second, MB/s, and processor
 * time of both ends together per call. Arguments: seconds per figure (3).
 */
public final class RpcBench {
    private static final int PAYLOAD_4K = 4128;
    private static final int PAYLOAD_1M = 256 * PAYLOAD_4K;
    private static final long TIMEOUT_MS = 30_000;
    private static final Xattr WRITE = message("w", "");
    private static final Xattr READ_4K = message("r", "4");
    private static final Xattr READ_1M = message("r", "1");

    private final BufferPool pool = new BufferPool("bench", 256 << 20);
    private final PayloadBuffer small = pool.allocate(PAYLOAD_4K);
    private final PayloadBuffer large = pool.allocate(PAYLOAD_1M);
    private final PrintStream out;
    private final long durationNs;

    private RpcBench(PrintStream out, long durationNs) {
        this.out = out;
        this.durationNs = durationNs;
    }

    public static void main(String[] arguments) throws Exception {
        long seconds = arguments.length > 0 ? Long.parseLong(arguments[0]) : 3;
        new RpcBench(System.out, seconds * 1_000_000_000L).run();
    }

    private void run() throws IOException, InterruptedException, ExecutionException {
        Path directory = Files.createTempDirectory("keelfs-rpc-bench");
        try {
            var authority = CertificateAuthority.create(directory);
            var node = authority.issue("node1", Role.NODE, List.of());
            var client = authority.issue("client1", Role.CLIENT, List.of());
            try (var far = new RpcTransport(node, RpcConfig.DEFAULT);
                    var near = new RpcTransport(client, RpcConfig.DEFAULT);
                    var server =
                            far.listen(
                                    new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                                    RpcAuthority.STORAGE_NODE,
                                    this::serve)) {
                measure(near, server.address().getPort());
            }
        } finally {
            try (var files = Files.list(directory)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(directory);
        }
    }

    private void serve(RpcRequest request) {
        var body = request.decode(Xattr.parser());
        if (body.getName().byteAt(0) == 'w') {
            request.reply(body);
        } else {
            var bytes = body.getValue().byteAt(0) == '4' ? small : large;
            request.reply(body, List.of(bytes.retain()));
        }
    }

    private void measure(RpcTransport transport, int port)
            throws InterruptedException, ExecutionException {
        try (var one = transport.connect("127.0.0.1", port, Role.NODE, 1);
                var two = transport.connect("127.0.0.1", port, Role.NODE, 2)) {
            for (int warm = 0; warm < 2; warm++) {
                out.println(warm == 0 ? "warm-up" : "measured");
                oneAtATime(one);
                async("4 KiB written, 1 connection", one, WRITE, small, 1);
                async("4 KiB written, 1 connection", one, WRITE, small, 16);
                async("4 KiB written, 2 connections", two, WRITE, small, 64);
                async("4 KiB read, 1 connection", one, READ_4K, PayloadBuffer.EMPTY, 16);
                async("1 MiB written, 1 connection", one, WRITE, large, 4);
                async("1 MiB written, 2 connections", two, WRITE, large, 8);
                async("1 MiB read, 1 connection", one, READ_1M, PayloadBuffer.EMPTY, 4);
                async("1 MiB read, 2 connections", two, READ_1M, PayloadBuffer.EMPTY, 8);
            }
        }
    }

    private void oneAtATime(RpcClient client) throws InterruptedException, ExecutionException {
        long cpu = cpuNs();
        long start = System.nanoTime();
        long calls = 0;
        while (System.nanoTime() - start < durationNs) {
            client.call(RpcMethod.SECTORS, WRITE, List.of(small.retain()), TIMEOUT_MS)
                    .get()
                    .release();
            calls++;
        }
        show(
                "4 KiB written, blocking thread",
                1,
                calls,
                System.nanoTime() - start,
                cpu,
                PAYLOAD_4K);
    }

    private void async(String what, RpcClient client, Xattr body, PayloadBuffer payload, int depth)
            throws InterruptedException {
        long cpu = cpuNs();
        long start = System.nanoTime();
        var calls = new AtomicLong();
        var done = new CountDownLatch(depth);
        for (int i = 0; i < depth; i++) {
            next(client, body, payload, start + durationNs, calls, done);
        }
        done.await();
        int bytes =
                body.equals(READ_4K)
                        ? PAYLOAD_4K
                        : body.equals(READ_1M) ? PAYLOAD_1M : payload.length();
        show(what, depth, calls.get(), System.nanoTime() - start, cpu, bytes);
    }

    private static void next(
            RpcClient client,
            Xattr body,
            PayloadBuffer payload,
            long endNs,
            AtomicLong calls,
            CountDownLatch done) {
        if (System.nanoTime() > endNs) {
            done.countDown();
            return;
        }
        var _ =
                client.call(RpcMethod.SECTORS, body, List.of(payload.retain()), TIMEOUT_MS)
                        .whenComplete(
                                (reply, failure) -> {
                                    onReply(reply, failure);
                                    calls.incrementAndGet();
                                    next(client, body, payload, endNs, calls, done);
                                });
    }

    private static void onReply(RpcReply reply, Throwable failure) {
        if (failure instanceof RpcException e) {
            throw e;
        }
        reply.release();
    }

    private void show(String what, int depth, long calls, long tookNs, long cpuBefore, int bytes) {
        double seconds = tookNs / 1e9;
        out.printf(
                "%-32s depth %3d  %9.0f calls/s  %8.1f MB/s  %7.1f us CPU per call%n",
                what,
                depth,
                calls / seconds,
                calls / seconds * bytes / 1e6,
                (cpuNs() - cpuBefore) / 1e3 / calls);
    }

    private static long cpuNs() {
        var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        return system.getProcessCpuTime();
    }

    private static Xattr message(String name, String value) {
        return Xattr.newBuilder()
                .setName(ByteString.copyFromUtf8(name))
                .setValue(ByteString.copyFromUtf8(value))
                .build();
    }
}
