package org.keelfs.metadata.session;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.SessionRow;
import org.keelfs.rpc.RpcException;
import org.keelfs.rpc.RpcPeer;
import org.keelfs.rpc.RpcStatus;

/** The open sessions and where they can be reached. Confined to the service's executor. */
public final class Sessions {
    private final Map<SessionId, Session> open = new LinkedHashMap<>();

    /** One open session. */
    public static final class Session {
        private final SessionId id;
        private final int volume;
        private final byte[] mountId;
        private final ByteString certificate;
        private final List<RpcPeer> peers = new ArrayList<>(2);

        private Session(SessionRow row) {
            id = row.id();
            volume = row.volume();
            mountId = row.mountId();
            certificate = ByteString.copyFrom(row.certificate());
        }

        public SessionId id() {
            return id;
        }

        /** Number of the volume it mounts. */
        public int volume() {
            return volume;
        }

        /** SHA-256 of its certificate. */
        public ByteString certificate() {
            return certificate;
        }

        /** A connection that its calls come over, or null while it has none. */
        public @Nullable RpcPeer peer() {
            return peers.isEmpty() ? null : peers.getLast();
        }
    }

    /** SHA-256 of the certificate at the far end, 32 bytes. */
    public static byte[] certificateOf(RpcPeer peer) {
        return HexFormat.of().parseHex(peer.certificateFingerprint());
    }

    public Session add(SessionRow row) {
        Session session = new Session(row);
        open.put(row.id(), session);
        return session;
    }

    public @Nullable Session find(SessionId id) {
        return open.get(id);
    }

    public void remove(SessionId id) {
        open.remove(id);
    }

    /**
     * The session of a call.
     *
     * @throws RpcException SESSION_GONE when there is none, REFUSED when it is another
     *     certificate's
     */
    public Session require(long id, RpcPeer peer) {
        Session session = open.get(new SessionId(id));
        if (session == null) {
            throw new RpcException(RpcStatus.SESSION_GONE, "session " + id + " is not open");
        }
        if (!session.certificate.equals(ByteString.copyFrom(certificateOf(peer)))) {
            throw new RpcException(
                    RpcStatus.REFUSED,
                    "session %d belongs to another certificate than that of %s"
                            .formatted(id, peer.commonName()));
        }
        return session;
    }

    /** Calls of the session come over this connection; whether it had none before. */
    public boolean attach(Session session, RpcPeer peer) {
        boolean first = session.peers.isEmpty();
        if (!session.peers.contains(peer)) {
            session.peers.add(peer);
        }
        return first;
    }

    public void detach(Session session, RpcPeer peer) {
        session.peers.remove(peer);
    }

    public boolean isAttached(Session session, RpcPeer peer) {
        return session.peers.contains(peer);
    }

    /** Those of this mount. */
    public List<Session> ofMount(byte[] mountId) {
        return open.values().stream().filter(s -> Arrays.equals(s.mountId, mountId)).toList();
    }
}
