package org.keelfs.node;

import com.google.protobuf.ByteString;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.keelfs.config.ConfigFile;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.register.RegisterReply;
import org.keelfs.register.RegisterRequest;
import org.keelfs.rpc.RpcAuthority;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcServer;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.capability.CapabilityKeys;
import org.keelfs.security.capability.CapabilitySigner;
import org.keelfs.security.pki.CertificateAuthority;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.RegisterCodec;
import org.keelfs.wire.SectorAnswer;
import org.keelfs.wire.proto.MetadataProto.ChunkReportReply;
import org.keelfs.wire.proto.MetadataProto.ChunkReportRequest;
import org.keelfs.wire.proto.MetadataProto.DropChunk;
import org.keelfs.wire.proto.MetadataProto.HeartbeatReply;
import org.keelfs.wire.proto.MetadataProto.HeartbeatRequest;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeReply;
import org.keelfs.wire.proto.MetadataProto.RegisterNodeRequest;
import org.keelfs.wire.proto.NodeProto.Capability;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;

/** A real node with a real client over TLS, and as much of a metadata server as a node talks to. */
final class TestCluster implements AutoCloseable {
    static final int NODE = 7;
    static final long SESSION = 11;
    private static final long TIMEOUT_MS = 10_000;

    final List<RegisterNodeRequest> registrations = new CopyOnWriteArrayList<>();
    final BlockingQueue<Long> dropped = new LinkedBlockingQueue<>();
    final List<Throwable> failures = new CopyOnWriteArrayList<>();
    final List<DropChunk> drops = new CopyOnWriteArrayList<>();
    private final Path directory;
    private final CapabilityKeys keys = new CapabilityKeys(new byte[CapabilityKeys.KEY_BYTES]);
    private final CapabilitySigner signer = new CapabilitySigner(keys);
    private final TlsIdentity clientIdentity;
    private final RpcTransport metadata;
    private final RpcTransport client;
    private final RpcServer metadataServer;
    private volatile CountDownLatch registered = new CountDownLatch(1);
    private RunningNode node;
    private RpcClient calls;

    TestCluster(Path directory) throws Exception {
        this.directory = directory;
        var pki = directory.resolve("pki");
        var authority = CertificateAuthority.create(pki);
        var metadataIdentity = authority.issue("metadata1", Role.METADATA, List.of());
        authority.issue("node1", Role.NODE, List.of());
        clientIdentity = authority.issue("client1", Role.CLIENT, List.of());
        metadata = new RpcTransport(metadataIdentity, RpcConfig.DEFAULT);
        metadataServer =
                metadata.listen(
                        new InetSocketAddress("127.0.0.1", 0),
                        RpcAuthority.METADATA_SERVER,
                        this::onRequest);
        client = new RpcTransport(clientIdentity, RpcConfig.DEFAULT);
        startNode();
    }

    Path dataDirectory() {
        return directory.resolve("data");
    }

    void startNode() throws Exception {
        startNode(Map.of());
    }

    /** Starts it with some settings of its own. */
    void startNode(Map<String, String> changed) throws Exception {
        var pki = directory.resolve("pki");
        var settings = new HashMap<String, String>();
        settings.put("name", "node1");
        settings.put("data-dir", dataDirectory().toString());
        settings.put("metadata-port", "" + metadataServer.address().getPort());
        settings.put("ca", pki.resolve("ca.crt").toString());
        settings.put("cert", pki.resolve("node1.crt").toString());
        settings.put("key", pki.resolve("node1.key").toString());
        settings.put("metrics-port", "-1");
        settings.putAll(changed);
        var config = ConfigFile.conclude(StorageNodeConfig.class, settings, Map.of(), "test");
        registered = new CountDownLatch(1);
        node = new RunningNode(config, failures::add);
        calls = client.connect("127.0.0.1", node.address().getPort(), Role.NODE, 1);
        if (!registered.await(10, TimeUnit.SECONDS)) {
            throw new IOException("the node did not register");
        }
    }

    void stopNode() {
        calls.close();
        node.close();
    }

    private void onRequest(RpcRequest request) {
        long now = System.currentTimeMillis();
        switch (request.method()) {
            case REGISTER_NODE -> {
                registrations.add(request.decode(RegisterNodeRequest.parser()));
                request.reply(
                        RegisterNodeReply.newBuilder()
                                .setNode(NODE)
                                .addAllKeys(keys.keysFor(new NodeId(NODE), now))
                                .setServerTimeMs(now)
                                .setHeartbeatMs(50)
                                .build());
            }
            case HEARTBEAT -> {
                dropped.addAll(request.decode(HeartbeatRequest.parser()).getDroppedList());
                request.reply(
                        HeartbeatReply.newBuilder()
                                .setServerTimeMs(now)
                                .addAllDrops(drops)
                                .build());
                drops.clear();
            }
            case CHUNK_REPORT -> {
                request.decode(ChunkReportRequest.parser());
                request.reply(ChunkReportReply.getDefaultInstance());
                registered.countDown();
            }
            default -> throw new IllegalStateException("unexpected " + request.method());
        }
    }

    /** What the server would let the client do with a chunk created in this epoch. */
    Capability capability(ChunkId chunk, long epoch) {
        return Capability.newBuilder()
                .setSession(SESSION)
                .setCertificate(
                        ByteString.copyFrom(
                                HexFormat.of().parseHex(clientIdentity.self().fingerprint())))
                .setChunk(chunk.value())
                .addMembers(NODE)
                .setMembersSince(1)
                .setCreatedEpoch(epoch)
                .setEpoch(epoch)
                .setRights(7)
                .setExpiresMs(System.currentTimeMillis() + 60_000)
                .build();
    }

    /** Sends requests in one frame under one capability each. */
    List<SectorAnswer> send(UnaryOperator<Capability> change, RegisterRequest... requests)
            throws Exception {
        var signed = new ArrayList<org.keelfs.wire.proto.NodeProto.SignedCapability>();
        var operations = new ArrayList<RegisterCodec.Operation>();
        for (var request : requests) {
            operations.add(new RegisterCodec.Operation(signed.size(), request));
            var capability = change.apply(capability(request.chunk(), request.epoch()));
            synchronized (signer) {
                signed.add(signer.sign(new NodeId(NODE), capability, System.currentTimeMillis()));
            }
        }
        var frame = RegisterCodec.encodeRequests(signed, operations);
        RpcReply reply =
                calls.call(RpcMethod.SECTORS, frame.message(), frame.payload(), TIMEOUT_MS)
                        .get(TIMEOUT_MS, TimeUnit.MILLISECONDS);
        return RegisterCodec.decodeReplies(
                reply.decode(SectorBatchReply.parser()), reply.payload(), requests.length);
    }

    List<RegisterReply> ask(RegisterRequest... requests) throws Exception {
        return send(UnaryOperator.identity(), requests).stream()
                .map(answer -> ((SectorAnswer.Replied) answer).reply())
                .toList();
    }

    /**
     * Flips a byte in every stored copy of this pattern in the log; returns how many there were.
     */
    int flip(byte[] pattern) throws IOException {
        int found = 0;
        try (var files = Files.list(dataDirectory())) {
            for (var file : files.filter(f -> f.toString().endsWith(".segment")).toList()) {
                byte[] bytes = Files.readAllBytes(file);
                int at = indexOf(bytes, pattern);
                if (at >= 0) {
                    try (var channel =
                            java.nio.channels.FileChannel.open(
                                    file, java.nio.file.StandardOpenOption.WRITE)) {
                        channel.write(
                                java.nio.ByteBuffer.wrap(new byte[] {(byte) (bytes[at + 5] ^ 1)}),
                                at + 5);
                    }
                    found++;
                }
            }
        }
        return found;
    }

    private static int indexOf(byte[] bytes, byte[] pattern) {
        for (int i = 0; i + pattern.length <= bytes.length; i++) {
            int n = 0;
            while (n < pattern.length && bytes[i + n] == pattern[n]) {
                n++;
            }
            if (n == pattern.length) {
                return i;
            }
        }
        return -1;
    }

    @Override
    public void close() {
        stopNode();
        client.close();
        metadata.close();
    }
}
