package org.keelfs.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.security.pki.CertificateAuthority;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.proto.MetadataProto.Xattr;

/** Real TLS on loopback. */
@Timeout(60)
class RpcTransportTest {
    private static final long TIMEOUT_MS = 10_000;
    private static final RpcAuthority ALL = (_, _) -> true;

    @TempDir static Path directory;
    @TempDir static Path otherDirectory;

    private static CertificateAuthority authority;
    private static TlsIdentity metadata;
    private static TlsIdentity node;
    private static TlsIdentity client;

    private final List<AutoCloseable> opened = new ArrayList<>();

    @BeforeAll
    static void issue() throws IOException {
        authority = CertificateAuthority.create(directory);
        metadata = authority.issue("metadata1", Role.METADATA, List.of());
        node = authority.issue("node1", Role.NODE, List.of());
        client = authority.issue("client1", Role.CLIENT, List.of());
    }

    @AfterEach
    void close() throws Exception {
        for (int i = opened.size() - 1; i >= 0; i--) {
            opened.get(i).close();
        }
    }

    @Test
    void anEchoBringsBodyAndPayloadBackOfEverySize() throws Exception {
        var server = serve(RpcTransportTest::echo);
        var peer = connect(server);
        var random = new Random(1);
        for (int length : new int[] {0, 1, 100, 4128, 16_384, 100_000, 1 << 20, 3 << 20}) {
            byte[] bytes = new byte[length];
            random.nextBytes(bytes);
            var reply = peer.call(RpcMethod.SECTORS, body("hi"), pieces(bytes), TIMEOUT_MS).get();
            assertEquals("hi", reply.decode(Xattr.parser()).getName().toStringUtf8());
            assertEquals(ByteBuffer.wrap(bytes), reply.payload().bytes());
            reply.release();
        }
    }

    @Test
    void theCallerIsKnownByItsCertificate() throws Exception {
        var seen = new CompletableFuture<RpcPeer>();
        var server =
                serve(
                        request -> {
                            seen.complete(request.peer());
                            request.reply(body("ok"));
                        });
        connect(server).call(RpcMethod.SECTORS, body(""), TIMEOUT_MS).get();
        assertEquals(Role.CLIENT, seen.get().role());
        assertEquals("client1", seen.get().commonName());
        assertEquals(64, seen.get().certificateFingerprint().length());
    }

    @Test
    void theServerCallsBackOnTheSameConnection() throws Exception {
        var server =
                serve(
                        request ->
                                request.peer()
                                        .call(RpcMethod.RECALL, body("recall"), TIMEOUT_MS)
                                        .thenAccept(reply -> request.reply(parse(reply))));
        var transport = transport(client);
        var peer =
                transport.connect(
                        "127.0.0.1",
                        server.address().getPort(),
                        Role.METADATA,
                        1,
                        request -> request.reply(body("got " + request.method())));
        var reply = peer.call(RpcMethod.SECTORS, body(""), TIMEOUT_MS).get();
        assertEquals("got RECALL", parse(reply).getName().toStringUtf8());
    }

    @Test
    void manyCallsAtOnceAllGetTheirOwnAnswer() throws Exception {
        var server = serve(RpcTransportTest::echo);
        var transport = transport(client);
        var peer = transport.connect("127.0.0.1", server.address().getPort(), Role.METADATA, 2);
        var threads = new ArrayList<Thread>();
        var failures = new LinkedBlockingQueue<Throwable>();
        for (int t = 0; t < 8; t++) {
            int thread = t;
            threads.add(
                    Thread.ofVirtual()
                            .start(
                                    () -> {
                                        try {
                                            callMany(peer, thread);
                                        } catch (Exception | AssertionError e) {
                                            failures.add(e);
                                        }
                                    }));
        }
        for (var thread : threads) {
            thread.join();
        }
        assertEquals(List.of(), List.copyOf(failures));
    }

    private static void callMany(RpcClient peer, int thread) throws Exception {
        var random = new Random(thread);
        for (int round = 0; round < 50; round++) {
            var sent = new ArrayList<byte[]>();
            var futures = new ArrayList<CompletableFuture<RpcReply>>();
            for (int i = 0; i < 10; i++) {
                var bytes = new byte[random.nextInt(20_000)];
                random.nextBytes(bytes);
                sent.add(bytes);
                futures.add(peer.call(RpcMethod.SECTORS, body("b" + i), pieces(bytes), TIMEOUT_MS));
            }
            for (int i = 0; i < 10; i++) {
                var reply = futures.get(i).get();
                assertEquals(ByteBuffer.wrap(sent.get(i)), reply.payload().bytes());
                assertEquals("b" + i, parse(reply).getName().toStringUtf8());
            }
        }
    }

    @Test
    void aCallThatIsNotAnsweredEndsAtItsDeadline() throws Exception {
        var server = serve(_ -> {});
        var peer = connect(server);
        long before = System.nanoTime();
        assertStatus(RpcStatus.DEADLINE, peer.call(RpcMethod.SECTORS, body(""), 300));
        long tookMs = (System.nanoTime() - before) / 1_000_000;
        assertTrue(tookMs >= 300, "too early: " + tookMs);
        assertTrue(tookMs < 3_000, "too late: " + tookMs);
    }

    @Test
    void aCancelledCallIsCancelledAtThePeer() throws Exception {
        var requests = new LinkedBlockingQueue<RpcRequest>();
        var server = serve(requests::add);
        var call = connect(server).call(RpcMethod.SECTORS, body(""), TIMEOUT_MS);
        var request = requests.take();
        assertFalse(request.isCancelled());
        assertTrue(call.cancel(true));
        await(request::isCancelled);
        request.reply(body("too late"));
    }

    @Test
    void anErrorTravelsWithItsStatusAndText() throws Exception {
        var server =
                serve(
                        request -> {
                            throw new RpcException(RpcStatus.SESSION_GONE, "evicted");
                        });
        var failure =
                assertStatus(
                        RpcStatus.SESSION_GONE,
                        connect(server).call(RpcMethod.RENEW, body(""), TIMEOUT_MS));
        assertTrue(failure.getMessage().contains("evicted"), failure.getMessage());
    }

    @Test
    void aHandlerThatThrowsAnswersFailed() throws Exception {
        var server =
                serve(
                        request -> {
                            throw new IllegalStateException("deliberate");
                        });
        assertStatus(RpcStatus.FAILED, connect(server).call(RpcMethod.RENEW, body(""), TIMEOUT_MS));
    }

    @Test
    void aCallThatTheRoleMayNotMakeIsRefused() throws Exception {
        var server =
                serve(metadata, RpcAuthority.METADATA_SERVER, request -> request.reply(body("")));
        var peer = connect(server);
        assertStatus(RpcStatus.REFUSED, peer.call(RpcMethod.REGISTER_NODE, body(""), TIMEOUT_MS));
        peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS).get().release();
    }

    @Test
    void aRoleWithoutAnyCallMayNotConnect() throws Exception {
        var server = serve(node, RpcAuthority.STORAGE_NODE, request -> request.reply(body("")));
        var admin = authority.issue("admin1", Role.ADMIN, List.of());
        var failure =
                assertStatus(
                        RpcStatus.REFUSED,
                        connect(admin, server, Role.NODE)
                                .call(RpcMethod.SECTORS, body(""), TIMEOUT_MS));
        assertTrue(failure.getMessage().contains("ADMIN"), failure.getMessage());
    }

    @Test
    void aServerOfTheWrongRoleIsRefused() throws Exception {
        var server = serve(node, ALL, request -> request.reply(body("")));
        assertStatus(
                RpcStatus.REFUSED,
                connect(client, server, Role.METADATA)
                        .call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
    }

    @Test
    void aClientOfAnotherAuthorityIsRefused() throws Exception {
        var server = serve(request -> request.reply(body("")));
        var other = CertificateAuthority.create(otherDirectory);
        var stranger = other.issue("client1", Role.CLIENT, List.of());
        // It trusts the server's authority, but shows a certificate of its own.
        var identity =
                new TlsIdentity(authority.certificate(), stranger.certificate(), stranger.key());
        assertStatus(
                RpcStatus.REFUSED,
                connect(identity, server, Role.METADATA)
                        .call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
        assertStatus(
                RpcStatus.REFUSED,
                connect(stranger, server, Role.METADATA)
                        .call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
    }

    @Test
    void anExpiredCertificateIsRefused() throws Exception {
        var server = serve(request -> request.reply(body("")));
        var now = Instant.now();
        var expired =
                authority.issue(
                        "old1",
                        Role.CLIENT,
                        List.of(),
                        now.minus(Duration.ofHours(2)),
                        now.minus(Duration.ofHours(1)));
        assertStatus(
                RpcStatus.REFUSED,
                connect(expired, server, Role.METADATA)
                        .call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
    }

    @Test
    void nobodyListeningIsUnreachableAtOnceAndFoundAgainLater() throws Exception {
        var server = serve(request -> request.reply(body("")));
        var address = server.address();
        var peer = connect(server);
        peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS).get().release();
        server.close();
        await(() -> !peer.isConnected());
        long before = System.nanoTime();
        for (int i = 0; i < 5; i++) {
            assertStatus(RpcStatus.UNREACHABLE, peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
        }
        assertTrue(System.nanoTime() - before < 1_000_000_000L, "not at once");
        var transport = transport(metadata);
        opened.add(transport.listen(address, ALL, request -> request.reply(body(""))));
        await(
                () -> {
                    try {
                        peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS).get().release();
                        return true;
                    } catch (ExecutionException | InterruptedException e) {
                        return false;
                    }
                });
    }

    @Test
    void callsOnAConnectionThatBreaksEndUnreachable() throws Exception {
        var requests = new LinkedBlockingQueue<RpcRequest>();
        var server = serve(requests::add);
        var call = connect(server).call(RpcMethod.SECTORS, body(""), TIMEOUT_MS);
        var request = requests.take();
        server.close();
        assertStatus(RpcStatus.UNREACHABLE, call);
        await(request::isCancelled);
        request.reply(body(""));
    }

    @Test
    void aTakenPortIsOneClearLine() throws Exception {
        var server = serve(request -> request.reply(body("")));
        var failure =
                assertThrows(
                        IOException.class,
                        () -> transport(metadata).listen(server.address(), ALL, _ -> {}));
        assertTrue(failure.getMessage().contains("in use"), failure.getMessage());
        assertTrue(
                failure.getMessage().contains(":" + server.address().getPort()),
                failure.getMessage());
    }

    @Test
    void tooManyUnansweredBytesAreBusyAndFlowAgainOnceAnswered() throws Exception {
        var requests = new LinkedBlockingQueue<RpcRequest>();
        var server = serve(requests::add);
        var config = RpcConfig.DEFAULT.withBytesMax(300_000, 1 << 20, 1 << 20);
        var transport = transport(client, config);
        var peer = transport.connect("127.0.0.1", server.address().getPort(), Role.METADATA, 1);
        var first = peer.call(RpcMethod.SECTORS, body(""), pieces(new byte[200_000]), TIMEOUT_MS);
        var piece = new CountedPayload(200_000);
        assertStatus(
                RpcStatus.BUSY, peer.call(RpcMethod.SECTORS, body(""), List.of(piece), TIMEOUT_MS));
        assertEquals(0, piece.count());
        requests.take().reply(body("1"));
        first.get().release();
        var second = peer.call(RpcMethod.SECTORS, body(""), pieces(new byte[200_000]), TIMEOUT_MS);
        requests.take().reply(body("2"));
        second.get().release();
    }

    @Test
    void aServerAnswersBusyAboveItsOwnLimit() throws Exception {
        var requests = new LinkedBlockingQueue<RpcRequest>();
        var transport =
                transport(metadata, RpcConfig.DEFAULT.withBytesMax(1 << 20, 300_000, 1 << 20));
        var server = transport.listen(loopback(), ALL, requests::add);
        opened.add(server);
        var peer = connect(server);
        var first = peer.call(RpcMethod.SECTORS, body(""), pieces(new byte[200_000]), TIMEOUT_MS);
        assertStatus(
                RpcStatus.BUSY,
                peer.call(RpcMethod.SECTORS, body(""), pieces(new byte[200_000]), TIMEOUT_MS));
        requests.take().reply(body("1"));
        first.get().release();
    }

    @Test
    void piecesAreGivenBackWhateverHappens() throws Exception {
        var server = serve(RpcTransportTest::echo);
        var peer = connect(server);
        var sent = new CountedPayload(5_000);
        peer.call(RpcMethod.SECTORS, body(""), List.of(sent), TIMEOUT_MS).get().release();
        await(() -> sent.count() == 0);
        var tooLong = new CountedPayload(5 << 20);
        assertStatus(
                RpcStatus.FAILED,
                peer.call(RpcMethod.SECTORS, body(""), List.of(tooLong), TIMEOUT_MS));
        assertEquals(0, tooLong.count());
        server.close();
        var unreachable = new CountedPayload(5_000);
        await(() -> !peer.isConnected());
        assertStatus(
                RpcStatus.UNREACHABLE,
                peer.call(RpcMethod.SECTORS, body(""), List.of(unreachable), TIMEOUT_MS));
        await(() -> unreachable.count() == 0);
    }

    /**
     * A connection that was refused once failed a later one when its time for a greeting was over.
     */
    @Test
    void theRestOfARefusedAttemptDoesNotEndTheNextOne() throws Exception {
        var config = RpcConfig.DEFAULT.withConnectTimeoutMs(400);
        var address = serve(request -> request.reply(body(""))).address();
        close();
        opened.clear();
        var near = transport(client, config);
        var peer = near.connect("127.0.0.1", address.getPort(), Role.METADATA, 1);
        assertStatus(RpcStatus.UNREACHABLE, peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
        // The next attempt may be made again, and the time of the first is not over yet.
        Awaitility.await().pollDelay(250, TimeUnit.MILLISECONDS).until(() -> true);
        try (var silent = new ServerSocket(address.getPort(), 5, address.getAddress())) {
            long before = System.nanoTime();
            assertStatus(RpcStatus.UNREACHABLE, peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS));
            long tookMs = (System.nanoTime() - before) / 1_000_000;
            assertTrue(tookMs >= 390, "ended by another attempt after " + tookMs + " ms");
            silent.accept().close();
        }
    }

    @Test
    void aPeerThatDiesDuringTlsIsUnreachableNotRefused() throws Exception {
        var near = transport(client);
        try (var dying = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
            var peer = near.connect("127.0.0.1", dying.getLocalPort(), Role.METADATA, 1);
            var call = peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS);
            try (var accepted = dying.accept()) {
                assertTrue(accepted.getInputStream().read() >= 0);
            }
            assertStatus(RpcStatus.UNREACHABLE, call);
        }
    }

    @Test
    void closingTheTransportEndsItsCallsAndItsThreads() throws Exception {
        var requests = new LinkedBlockingQueue<RpcRequest>();
        var server = serve(requests::add);
        var transport = new RpcTransport(client, RpcConfig.DEFAULT);
        var threads = new ConcurrentLinkedQueue<Thread>();
        var peer = transport.connect("127.0.0.1", server.address().getPort(), Role.METADATA, 2);
        var calls = new ArrayList<CompletableFuture<RpcReply>>();
        for (int i = 0; i < 10; i++) {
            var call = peer.call(RpcMethod.STATFS, body(""), TIMEOUT_MS);
            var _ = call.whenComplete((_, _) -> threads.add(Thread.currentThread()));
            calls.add(call);
        }
        requests.take();
        transport.close();
        for (var call : calls) {
            assertStatus(RpcStatus.UNREACHABLE, call);
        }
        assertFalse(threads.isEmpty());
        for (var thread : threads) {
            thread.join();
        }
        var late = new CountedPayload(100);
        assertStatus(
                RpcStatus.UNREACHABLE,
                peer.call(RpcMethod.STATFS, body(""), List.of(late), TIMEOUT_MS));
        assertEquals(0, late.count());
    }

    // ---- support ----

    private static void echo(RpcRequest request) {
        request.reply(request.decode(Xattr.parser()), List.of(request.payload().retain()));
    }

    private static Xattr body(String text) {
        return Xattr.newBuilder().setName(ByteString.copyFromUtf8(text)).build();
    }

    private static Xattr parse(RpcReply reply) {
        var body = reply.decode(Xattr.parser());
        reply.release();
        return body;
    }

    private static List<PayloadBuffer> pieces(byte[] bytes) {
        int half = bytes.length / 2;
        return List.of(
                new CountedPayload(bytes, 0, half),
                new CountedPayload(bytes, half, bytes.length - half));
    }

    private static InetSocketAddress loopback() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    private RpcServer serve(RpcHandler handler) throws IOException {
        return serve(metadata, ALL, handler);
    }

    private RpcServer serve(TlsIdentity identity, RpcAuthority allowed, RpcHandler handler)
            throws IOException {
        var server = transport(identity).listen(loopback(), allowed, handler);
        opened.add(server);
        return server;
    }

    private RpcTransport transport(TlsIdentity identity) throws IOException {
        return transport(identity, RpcConfig.DEFAULT);
    }

    private RpcTransport transport(TlsIdentity identity, RpcConfig config) throws IOException {
        var transport = new RpcTransport(identity, config);
        opened.add(transport);
        return transport;
    }

    private RpcClient connect(RpcServer server) throws IOException {
        return connect(client, server, Role.METADATA);
    }

    private RpcClient connect(TlsIdentity identity, RpcServer server, Role expected)
            throws IOException {
        return transport(identity).connect("127.0.0.1", server.address().getPort(), expected, 1);
    }

    private static RpcException assertStatus(RpcStatus status, CompletableFuture<RpcReply> call)
            throws Exception {
        var failure = assertThrows(ExecutionException.class, () -> call.get(30, TimeUnit.SECONDS));
        var cause = assertInstanceOf(RpcException.class, failure.getCause());
        assertEquals(status, cause.status(), cause.getMessage());
        assertNotNull(cause.getMessage());
        return cause;
    }

    private static void await(Callable<Boolean> condition) {
        Awaitility.await().atMost(20, TimeUnit.SECONDS).until(condition);
    }
}
