package org.keelfs.rpc;

import org.jspecify.annotations.Nullable;

/** What any thread hands to a connection's event loop. */
abstract sealed class Outbound {
    /** Link in the stack of what was handed over and not yet taken; see {@link Link}. */
    @Nullable Outbound next;

    /** A call to send. */
    static final class Request extends Outbound {
        final RpcCall call;

        Request(RpcCall call) {
            this.call = call;
        }
    }

    /** The answer to a call, or only its end where nobody waits for an answer. */
    static final class Reply extends Outbound {
        final IncomingCall call;
        final @Nullable EncodedFrame frame;

        Reply(IncomingCall call, @Nullable EncodedFrame frame) {
            this.call = call;
            this.frame = frame;
        }
    }

    /** A frame of the connection's own. */
    static final class Control extends Outbound {
        final EncodedFrame frame;

        Control(EncodedFrame frame) {
            this.frame = frame;
        }
    }
}
