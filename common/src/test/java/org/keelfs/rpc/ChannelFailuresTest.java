package org.keelfs.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.netty.channel.ConnectTimeoutException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import org.junit.jupiter.api.Test;

final class ChannelFailuresTest {
    /**
     * Whoever reads the log looks for a dead process after the first, for a cut after the others.
     */
    @Test
    void aRefusedConnectionAndACutNetworkAreToldApart() {
        assertDescribed(
                "connection refused",
                new ConnectException(
                        "finishConnect(..) failed with error(-111): Connection refused"));
        assertDescribed(
                "network is unreachable",
                new ConnectException(
                        "connect(..) failed with error(-101): Network is unreachable"));
        assertDescribed("no route to host", new NoRouteToHostException());
        assertDescribed(
                "no answer to an attempt to connect",
                new ConnectTimeoutException("connection timed out after 5000 ms"));
    }

    private static void assertDescribed(String expected, IOException failure) {
        assertEquals(expected, ChannelFailures.describe(failure));
    }
}
