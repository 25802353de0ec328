package org.keelfs.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.keelfs.config.ConfigFile;
import org.keelfs.lock.LockKind;
import org.keelfs.lock.LockOp;
import org.keelfs.lock.LockOwner;
import org.keelfs.lock.RangeLock;
import org.keelfs.model.SessionId;
import org.keelfs.rpc.RpcAuthority;
import org.keelfs.rpc.RpcClient;
import org.keelfs.rpc.RpcConfig;
import org.keelfs.rpc.RpcMethod;
import org.keelfs.rpc.RpcReply;
import org.keelfs.rpc.RpcRequest;
import org.keelfs.rpc.RpcTransport;
import org.keelfs.security.capability.CapabilityVerdict;
import org.keelfs.security.capability.CapabilityVerifier;
import org.keelfs.security.pki.CertificateAuthority;
import org.keelfs.security.tls.Role;
import org.keelfs.security.tls.TlsIdentity;
import org.keelfs.wire.LockCodec;
import org.keelfs.wire.proto.MetadataProto.*;
import org.keelfs.wire.proto.NodeProto.Hint;
import org.keelfs.wire.proto.NodeProto.SectorBatchReply;
import org.keelfs.wire.proto.NodeProto.SectorBatchRequest;
import org.keelfs.wire.proto.NodeProto.SectorResult;

/** A metadata server in this process, and callers of it over real connections. */
final class TestServer implements AutoCloseable {
    /** Terms of a second; a session that is gone stays for what it still holds. */
    private static final Map<String, String> SETTINGS =
            Map.of(
                    "lease-term-ms", "1000",
                    "lease-margin-ms", "200",
                    "renew-ms", "300",
                    "abandon-ms", "600000",
                    "heartbeat-ms", "1000");

    static final long TIMEOUT_MS = 10_000;

    private final CertificateAuthority authority;
    private final Path directory;
    private final AtomicReference<Throwable> fatal = new AtomicReference<>();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private RunningServer server;

    /** With short terms, and nobody who is abandoned; its volume is "main". */
    TestServer(Path directory) throws IOException {
        this.directory = directory;
        authority = CertificateAuthority.create(directory.resolve("pki"));
        authority.issue("metadata1", Role.METADATA, List.of());
        start(0);
        assertEquals(0, createVolume("main").getErrno());
    }

    private void start(int port) throws IOException {
        Path pki = directory.resolve("pki");
        var given = new java.util.TreeMap<String, String>(SETTINGS);
        given.put("port", Integer.toString(port));
        given.put("data-dir", directory.resolve("data").toString());
        given.put("ca", pki.resolve("ca.crt").toString());
        given.put("cert", pki.resolve("metadata1.crt").toString());
        given.put("key", pki.resolve("metadata1.key").toString());
        MetadataConfig config = ConfigFile.conclude(MetadataConfig.class, given, Map.of(), "test");
        server = new RunningServer(config, fatal::set);
    }

    /** The same store under the same port. */
    void restart() throws IOException {
        int port = server.address().getPort();
        server.close();
        start(port);
    }

    RpcClient connect(String name, Role role, org.keelfs.rpc.RpcHandler incoming)
            throws IOException {
        TlsIdentity identity = authority.issue(name, role, List.of());
        RpcTransport transport = new RpcTransport(identity, RpcConfig.DEFAULT.withEventLoops(1));
        opened.add(transport);
        return transport.connect(
                "127.0.0.1", server.address().getPort(), Role.METADATA, 1, incoming);
    }

    RpcClient connect(String name, Role role) throws IOException {
        return connect(name, role, RpcRequest::isCancelled);
    }

    static <M extends MessageLite> M call(
            RpcClient client, RpcMethod method, MessageLite body, Parser<M> parser) {
        return decode(client.call(method, body, TIMEOUT_MS).join(), parser);
    }

    static <M extends MessageLite> M decode(RpcReply reply, Parser<M> parser) {
        try {
            return reply.decode(parser);
        } finally {
            reply.release();
        }
    }

    /** A storage node that says it is there. */
    RegisterNodeReply registerNode(String name, int identity, long startCounter, boolean damaged)
            throws IOException {
        return call(
                connect(name, Role.NODE),
                RpcMethod.REGISTER_NODE,
                registration(name, identity, startCounter, damaged).build(),
                RegisterNodeReply.parser());
    }

    private static RegisterNodeRequest.Builder registration(
            String name, int identity, long startCounter, boolean damaged) {
        return RegisterNodeRequest.newBuilder()
                .setName(name)
                .setHost("127.0.0.1")
                .setPort(1000 + identity)
                .setRack("rack-" + name)
                .setStoreIdentity(storeIdentity(identity))
                .setStartCounter(startCounter)
                .setLogDamaged(damaged)
                .setTotalBytes(1L << 40)
                .setFreeBytes(1L << 39);
    }

    static ByteString storeIdentity(int number) {
        byte[] identity = new byte[16];
        identity[0] = (byte) number;
        return ByteString.copyFrom(identity);
    }

    void registerNodes(int count) throws IOException {
        for (int i = 1; i <= count; i++) {
            assertEquals("", registerNode("node" + i, i, 1, false).getRefused());
        }
    }

    /** A storage node that does nothing but promise, to capabilities that are valid. */
    final class PromisingNode {
        final List<Long> promised = new java.util.concurrent.CopyOnWriteArrayList<>();
        final CapabilityVerifier verifier = new CapabilityVerifier();

        PromisingNode(String name, int identity) throws IOException {
            RpcTransport transport =
                    new RpcTransport(
                            authority.issue(name, Role.NODE, List.of()),
                            RpcConfig.DEFAULT.withEventLoops(1));
            opened.add(transport);
            var port =
                    transport
                            .listen(
                                    new InetSocketAddress("127.0.0.1", 0),
                                    RpcAuthority.STORAGE_NODE,
                                    this::promise)
                            .address()
                            .getPort();
            var reply =
                    call(
                            connect(name, Role.NODE),
                            RpcMethod.REGISTER_NODE,
                            registration(name, identity, 1, false).setPort(port).build(),
                            RegisterNodeReply.parser());
            assertEquals("", reply.getRefused());
            verifier.useKeys(reply.getKeysList());
        }

        private void promise(RpcRequest request) {
            var batch = request.decode(SectorBatchRequest.parser());
            var verdict =
                    verifier.verify(
                            batch.getCapabilities(0),
                            HexFormat.of().parseHex(request.peer().certificateFingerprint()),
                            System.currentTimeMillis());
            var result = SectorResult.newBuilder();
            if (verdict instanceof CapabilityVerdict.Valid valid
                    && valid.capability().getEpoch() == batch.getOps(0).getEpoch()) {
                promised.add(batch.getOps(0).getEpoch());
                result.setPromised(Hint.getDefaultInstance());
            } else {
                result.setCapabilityRefused(2);
            }
            request.reply(SectorBatchReply.newBuilder().addResults(result).build());
        }
    }

    private VolumeReply createVolume(String name) throws IOException {
        return call(
                connect("admin", Role.ADMIN),
                RpcMethod.VOLUME,
                VolumeRequest.newBuilder()
                        .setCreate(
                                VolumeInfo.newBuilder()
                                        .setName(name)
                                        .setChunkBytes(1 << 20)
                                        .setReplicas(3))
                        .build(),
                VolumeReply.parser());
    }

    Mount mount(String name) throws IOException {
        return new Mount(name);
    }

    Throwable fatal() {
        return fatal.get();
    }

    @Override
    public void close() throws IOException {
        try {
            for (AutoCloseable each : opened) {
                each.close();
            }
            server.close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e);
        }
    }

    /** A client that answers nothing by itself. */
    final class Mount {
        final RpcClient client;
        final BlockingQueue<Recall> recalls = new LinkedBlockingQueue<>();
        final BlockingQueue<LockNoticeRequest> notices = new LinkedBlockingQueue<>();
        final byte[] mountId = new byte[16];
        long session;
        long incarnation;
        long root;
        long sequence;
        long lockSequence;

        Mount(String name) throws IOException {
            byte[] bytes = name.getBytes(java.nio.charset.StandardCharsets.UTF_8);
            System.arraycopy(bytes, 0, mountId, 0, Math.min(16, bytes.length));
            client = connect(name, Role.CLIENT, this::onRequest);
            open();
        }

        private void onRequest(RpcRequest request) {
            if (request.method() == RpcMethod.LOCK_NOTICE) {
                notices.add(request.decode(LockNoticeRequest.parser()));
                request.reply(LockNoticeReply.getDefaultInstance());
            } else {
                recalls.addAll(request.decode(RecallRequest.parser()).getRecallsList());
                request.reply(RecallReply.getDefaultInstance());
            }
        }

        OpenSessionReply open() {
            var reply =
                    ask(
                            RpcMethod.OPEN_SESSION,
                            OpenSessionRequest.newBuilder()
                                    .setVolume("main")
                                    .setMountId(ByteString.copyFrom(mountId))
                                    .setReplacesPredecessor(true)
                                    .build(),
                            OpenSessionReply.parser());
            assertEquals(0, reply.getErrno(), reply.getMessage());
            session = reply.getSession();
            incarnation = reply.getServerIncarnation();
            root = reply.getVolume().getRoot();
            sequence = 0;
            return reply;
        }

        <M extends MessageLite> M ask(RpcMethod method, MessageLite body, Parser<M> parser) {
            return call(client, method, body, parser);
        }

        <M extends MessageLite> CompletableFuture<M> askAsync(
                RpcMethod method, MessageLite body, Parser<M> parser) {
            return client.call(method, body, TIMEOUT_MS).thenApply(reply -> decode(reply, parser));
        }

        LookupRequest lookupRequest(long parent, String name) {
            return LookupRequest.newBuilder()
                    .setSession(session)
                    .setParent(parent)
                    .setName(ByteString.copyFromUtf8(name))
                    .setCaller(CallerValue.getDefaultInstance())
                    .build();
        }

        LookupReply lookup(long parent, String name) {
            return ask(RpcMethod.LOOKUP, lookupRequest(parent, name), LookupReply.parser());
        }

        SubmitRequest batch(Command.Builder... commands) {
            var request =
                    SubmitRequest.newBuilder()
                            .setSession(session)
                            .setServerIncarnation(incarnation)
                            .setFirstSequence(sequence + 1);
            sequence += commands.length;
            for (Command.Builder command : commands) {
                request.addCommands(command);
            }
            return request.build();
        }

        SubmitReply submit(Command.Builder... commands) {
            return ask(RpcMethod.SUBMIT, batch(commands), SubmitReply.parser());
        }

        CompletableFuture<SubmitReply> submitAsync(Command.Builder... commands) {
            return askAsync(RpcMethod.SUBMIT, batch(commands), SubmitReply.parser());
        }

        CommandResult create(long parent, String name) {
            return submit(createCommand(parent, name)).getResults(0);
        }

        AcquireLeaseReply acquire(long inode, LeaseMode mode) {
            return ask(
                    RpcMethod.ACQUIRE_LEASE,
                    acquireRequest(inode, mode),
                    AcquireLeaseReply.parser());
        }

        AcquireLeaseRequest acquireRequest(long inode, LeaseMode mode) {
            return AcquireLeaseRequest.newBuilder()
                    .setSession(session)
                    .setInode(inode)
                    .setMode(mode)
                    .build();
        }

        Recall recalled() throws InterruptedException {
            Recall recall = recalls.poll(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            if (recall == null) {
                throw new AssertionError("no recall came");
            }
            return recall;
        }

        ReturnLeaseReply giveBack(Recall recall, HandOver... handOvers) {
            return ask(
                    RpcMethod.RETURN_LEASE,
                    ReturnLeaseRequest.newBuilder()
                            .setSession(session)
                            .setInode(recall.getInode())
                            .setGeneration(recall.getGeneration())
                            .setKeep(recall.getKeep())
                            .addAllHandOvers(List.of(handOvers))
                            .build(),
                    ReturnLeaseReply.parser());
        }

        Layout layout(long inode, long index, boolean write, long knownEpoch) {
            return ask(
                            RpcMethod.LAYOUT,
                            LayoutRequest.newBuilder()
                                    .setSession(session)
                                    .addWants(
                                            LayoutWant.newBuilder()
                                                    .setInode(inode)
                                                    .setChunkIndex(index)
                                                    .setWrite(write)
                                                    .setKnownEpoch(knownEpoch)
                                                    .setWrappedKey(ByteString.copyFromUtf8("key")))
                                    .build(),
                            LayoutReply.parser())
                    .getLayouts(0);
        }

        boolean sealed(Layout layout) {
            return ask(
                            RpcMethod.SEALED,
                            SealedRequest.newBuilder()
                                    .setSession(session)
                                    .setChunk(layout.getChunk())
                                    .setEpoch(layout.getEpoch())
                                    .build(),
                            SealedReply.parser())
                    .getAccepted();
        }

        LockReply lock(long inode, LockOp op) {
            LockRequest.Builder request =
                    LockRequest.newBuilder()
                            .setSession(session)
                            .setInode(inode)
                            .setSequence(++lockSequence);
            LockCodec.encode(op, request);
            return ask(RpcMethod.LOCK, request.build(), LockReply.parser());
        }

        /** A write lock of the bytes 0 to 9. */
        RangeLock range() {
            var owner = new LockOwner(new SessionId(session), LockKind.POSIX, 1);
            return new RangeLock(owner, true, 0, 9, 0);
        }

        LockStatus lock(long inode, boolean waits) {
            return lock(inode, new LockOp.Lock(range(), waits, session)).getStatus();
        }

        LockStatus unlock(long inode) {
            return lock(inode, new LockOp.Unlock(range().owner(), 0, 9)).getStatus();
        }

        LockNoticeRequest noticed() throws InterruptedException {
            LockNoticeRequest notice = notices.poll(TIMEOUT_MS, TimeUnit.MILLISECONDS);
            if (notice == null) {
                throw new AssertionError("no notice came");
            }
            return notice;
        }

        RenewReply renew(boolean reclaimed) {
            return ask(
                    RpcMethod.RENEW,
                    RenewRequest.newBuilder()
                            .setSession(session)
                            .setReclaimedIncarnation(reclaimed ? incarnation : 0)
                            .build(),
                    RenewReply.parser());
        }
    }

    static Command.Builder createCommand(long parent, String name) {
        return Command.newBuilder()
                .setTimeNs(1)
                .setCreate(
                        CreateCommandValue.newBuilder()
                                .setParent(parent)
                                .setName(ByteString.copyFromUtf8(name))
                                .setMode(0100644)
                                .setOpen(true));
    }

    static Command.Builder truncateCommand(long inode) {
        return Command.newBuilder()
                .setTimeNs(3)
                .setSetAttributes(
                        SetAttributesCommandValue.newBuilder().setInode(inode).setSize(0));
    }

    static Command.Builder unlinkCommand(long parent, String name) {
        return Command.newBuilder()
                .setTimeNs(2)
                .setUnlink(
                        UnlinkCommandValue.newBuilder()
                                .setParent(parent)
                                .setName(ByteString.copyFromUtf8(name)));
    }
}
