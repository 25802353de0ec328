package org.keelfs.client.quorum;

import java.util.List;
import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.NodeId;
import org.keelfs.register.ValueRun;

/** What rounds brought, with the rounds that hold its bytes. */
record HeldValues(NodeId source, List<ValueRun> values, List<RoundDriver<?>> rounds)
        implements ChunkIo.ReadValues {
    @Override
    public PayloadBuffer bytes(ValueRun value) {
        if (!(value.payload() instanceof PayloadBuffer bytes)) {
            throw new IllegalArgumentException("a hole has no bytes");
        }
        return bytes;
    }

    @Override
    public void release() {
        rounds.forEach(RoundDriver::release);
    }
}
