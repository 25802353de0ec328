package org.keelfs.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.keelfs.security.pki.CertificateAuthority;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.FrameCodec;
import org.keelfs.wire.proto.MetadataProto.StatfsRequest;
import org.keelfs.wire.proto.RpcProto.RpcHeader;

/**
 * Peers with a good certificate that send nonsense, too much, or nothing: only they are cut off.
 */
@Timeout(60)
class BadPeerTest {
    private static final long TIMEOUT_MS = 10_000;
    private static final int MIB = 1 << 20;
    private static final int LARGE_REPLY_BYTES = 256 << 10;

    @TempDir Path directory;

    private TlsIdentity client;
    private RpcTransport far;
    private RpcTransport near;
    private RpcServer server;
    private RpcClient good;

    @BeforeEach
    void start() throws Exception {
        var authority = CertificateAuthority.create(directory);
        client = authority.issue("client1", Role.CLIENT, List.of());
        var config = RpcConfig.DEFAULT.withPingMs(200).withBytesMax(MIB, MIB, MIB);
        far = new RpcTransport(authority.issue("metadata1", Role.METADATA, List.of()), config);
        near = new RpcTransport(client, config);
        server =
                far.listen(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
                        RpcAuthority.METADATA_SERVER,
                        BadPeerTest::answer);
        good = near.connect("127.0.0.1", server.address().getPort(), Role.METADATA, 1);
        callGood();
    }

    @AfterEach
    void stop() {
        near.close();
        far.close();
    }

    @Test
    void aFrameLongerThanAllowedEndsItsConnectionOnly() throws Exception {
        try (var bad = greeted()) {
            send(bad, ByteBuffer.allocate(4).putInt(0, FrameCodec.FRAME_BYTES_MAX + 1).array());
            assertEnds(bad);
        }
        callGood();
    }

    @Test
    void garbledFramesEndTheirConnectionOnly() throws Exception {
        for (long seed = 0; seed < 20; seed++) {
            var random = new Random(seed);
            try (var bad = greeted()) {
                var noise = new byte[4 + random.nextInt(2, 3_000)];
                random.nextBytes(noise);
                ByteBuffer.wrap(noise).putInt(noise.length - 4);
                // A header length beyond the frame: garbled whatever follows.
                noise[4] = -1;
                send(bad, noise);
                assertEnds(bad);
            }
        }
        callGood();
    }

    @Test
    void aSecondGreetingEndsTheConnection() throws Exception {
        try (var bad = greeted()) {
            send(bad, frame(RpcHeader.newBuilder().setKind(RpcHeader.Kind.HELLO).build()));
            assertEnds(bad);
        }
        callGood();
    }

    @Test
    void twoRequestsOfOneIdEndTheConnection() throws Exception {
        try (var bad = greeted()) {
            var request =
                    frame(
                            RpcHeader.newBuilder()
                                    .setKind(RpcHeader.Kind.REQUEST)
                                    .setMethod(RpcMethod.FORCE.number())
                                    .setId(7)
                                    .build());
            send(bad, request);
            send(bad, request);
            assertEnds(bad);
        }
        callGood();
    }

    @Test
    void withoutAGreetingTheConnectionEnds() throws Exception {
        try (var bad = connected()) {
            send(bad, frame(RpcHeader.newBuilder().setKind(RpcHeader.Kind.PING).build()));
            assertEnds(bad);
        }
        callGood();
    }

    @Test
    void plainTextEndsTheConnection() throws Exception {
        try (var bad = new Socket(InetAddress.getLoopbackAddress(), server.address().getPort())) {
            send(bad, "GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            assertEnds(bad);
        }
        callGood();
    }

    @Test
    void aSilentPeerIsCutOffAndOneThatAnswersPingsIsNot() throws Exception {
        try (var bad = greeted()) {
            long before = System.nanoTime();
            assertEnds(bad);
            long tookMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before);
            assertTrue(tookMs < 5_000, "took " + tookMs);
        }
        assertTrue(good.isConnected());
        callGood();
    }

    private static void answer(RpcRequest request) {
        switch (request.method()) {
            case FORCE -> {} // Never answered.
            case LOOKUP ->
                    request.reply(
                            StatfsRequest.getDefaultInstance(),
                            List.of(new CountedPayload(LARGE_REPLY_BYTES)));
            default -> request.reply(StatfsRequest.getDefaultInstance());
        }
    }

    @Test
    void repliesToAPeerThatDoesNotReadAreBoundedByBusy() throws Exception {
        try (var bad = greeted()) {
            int requests = 120;
            for (int id = 0; id < requests; id++) {
                send(
                        bad,
                        frame(
                                RpcHeader.newBuilder()
                                        .setKind(RpcHeader.Kind.REQUEST)
                                        .setMethod(RpcMethod.LOOKUP.number())
                                        .setTimeoutMs(60_000)
                                        .setId(id)
                                        .build()));
            }
            callGood();
            // Only now does it read: every request has its answer.
            int ok = 0;
            int busy = 0;
            while (ok + busy < requests) {
                var header = receive(bad);
                if (header.getKind() == RpcHeader.Kind.REPLY) {
                    ok += header.getStatus() == RpcStatus.OK.ordinal() ? 1 : 0;
                    busy += header.getStatus() == RpcStatus.BUSY.ordinal() ? 1 : 0;
                }
            }
            assertTrue(ok > 0 && busy > 0, ok + " ok, " + busy + " busy");
        }
        callGood();
    }

    private void callGood() throws InterruptedException {
        try {
            good.call(RpcMethod.STATFS, StatfsRequest.getDefaultInstance(), TIMEOUT_MS)
                    .get()
                    .release();
        } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
        }
    }

    @Test
    void anAnswerThatIsNoMessageFailsToDecode() {
        var reply =
                new RpcReply(
                        ByteBuffer.wrap(new byte[] {-1, -1, -1}),
                        org.keelfs.buffer.PayloadBuffer.EMPTY);
        var failure = assertThrows(RpcException.class, () -> reply.decode(StatfsRequest.parser()));
        assertEquals(RpcStatus.FAILED, failure.status());
        assertInstanceOf(String.class, failure.getMessage());
    }

    private SSLSocket greeted() throws Exception {
        var socket = connected();
        send(
                socket,
                frame(
                        RpcHeader.newBuilder()
                                .setKind(RpcHeader.Kind.HELLO)
                                .setVersion(Greeting.VERSION)
                                .build()));
        assertEquals(RpcHeader.Kind.HELLO, receive(socket).getKind());
        return socket;
    }

    private static RpcHeader receive(Socket socket) throws Exception {
        int length = ByteBuffer.wrap(socket.getInputStream().readNBytes(4)).getInt();
        return FrameCodec.decode(ByteBuffer.wrap(socket.getInputStream().readNBytes(length)))
                .header();
    }

    /** The JDK's TLS, so that this side obeys nobody's rules. */
    private SSLSocket connected() throws Exception {
        var keys = KeyStore.getInstance("PKCS12");
        keys.load(null, null);
        keys.setCertificateEntry("ca", client.authority());
        var chain = new java.security.cert.Certificate[] {client.certificate()};
        keys.setKeyEntry("me", client.key(), new char[0], chain);
        var keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keyManagers.init(keys, new char[0]);
        var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(keys);
        var context = SSLContext.getInstance("TLSv1.3");
        context.init(keyManagers.getKeyManagers(), trust.getTrustManagers(), null);
        var socket =
                (SSLSocket)
                        context.getSocketFactory()
                                .createSocket(
                                        InetAddress.getLoopbackAddress(),
                                        server.address().getPort());
        socket.startHandshake();
        return socket;
    }

    private static byte[] frame(RpcHeader header) {
        var bytes = ByteBuffer.allocate(FrameCodec.prefixLength(header, null));
        FrameCodec.encodePrefix(header, null, 0, bytes);
        return bytes.array();
    }

    private static void send(Socket socket, byte[] bytes) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(bytes);
        out.flush();
    }

    /** Reads to the end of the stream, which comes from the far end; a reset is an end too. */
    private static void assertEnds(Socket socket) throws IOException {
        socket.setSoTimeout(20_000);
        try {
            var _ = socket.getInputStream().readAllBytes();
        } catch (java.net.SocketTimeoutException e) {
            throw new AssertionError("the connection was not closed", e);
        } catch (IOException e) {
            assertTrue(e.getMessage() != null);
        }
    }
}
