package org.keelfs.client.quorum;

import org.keelfs.buffer.PayloadBuffer;
import org.keelfs.model.NodeId;
import org.keelfs.register.RegisterRequest;
import org.keelfs.wire.SectorAnswer;

/** Who waits for the answers to operations. Called on event loops; never blocks. */
interface AnswerSink {
    /**
     * A node answered.
     *
     * @param frame what the bytes of values lie in; who keeps them retains it
     */
    void onAnswer(NodeId from, RegisterRequest request, SectorAnswer answer, PayloadBuffer frame);

    /** No answer will come; the text names the node and says why. */
    void onFailure(NodeId from, RegisterRequest request, String why);
}
