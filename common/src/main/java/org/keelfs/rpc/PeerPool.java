package org.keelfs.rpc;

import com.google.protobuf.MessageLite;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.security.tls.Role;

/** The connections to one peer. Thread-safe. */
final class PeerPool implements RpcClient {
    private final RpcTransport transport;
    private final String address;
    private final PeerSlot[] slots;
    private final AtomicInteger turn = new AtomicInteger();

    PeerPool(
            RpcTransport transport,
            String host,
            int port,
            Role expectedRole,
            int connections,
            RpcHandler incoming) {
        this.transport = transport;
        this.address = host + ":" + port;
        this.slots = new PeerSlot[connections];
        for (int i = 0; i < connections; i++) {
            slots[i] =
                    new PeerSlot(
                            transport, transport.nextLoop(), host, port, expectedRole, incoming);
        }
    }

    @Override
    public CompletableFuture<RpcReply> call(
            RpcMethod method, MessageLite body, List<PayloadBuffer> payload, long timeoutMs) {
        return leastBusy().call(method, body, payload, timeoutMs);
    }

    private PeerSlot leastBusy() {
        if (slots.length == 1) {
            return slots[0];
        }
        // Starting elsewhere each time spreads calls over connections that are equally busy.
        int start = Math.floorMod(turn.getAndIncrement(), slots.length);
        PeerSlot best = slots[start];
        for (int i = 1; i < slots.length; i++) {
            PeerSlot slot = slots[(start + i) % slots.length];
            if (slot.bytesInFlight() < best.bytesInFlight()) {
                best = slot;
            }
        }
        return best;
    }

    @Override
    public String address() {
        return address;
    }

    @Override
    public boolean isConnected() {
        for (PeerSlot slot : slots) {
            if (slot.isConnected()) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void close() {
        transport.forget(this);
        for (PeerSlot slot : slots) {
            slot.close();
        }
    }

    @Override
    public String toString() {
        return "client of " + address;
    }
}
