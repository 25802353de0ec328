package org.keelfs.metrics;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class MetricsEndpointTest {
    @Test
    void theTextIsMadeAfreshForEachScrape() throws Exception {
        var counter = new java.util.concurrent.atomic.AtomicInteger();
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        try (var endpoint =
                        new MetricsEndpoint(
                                address, executor(), () -> "calls " + counter.incrementAndGet());
                var http = HttpClient.newHttpClient()) {
            var uri = URI.create("http://127.0.0.1:" + endpoint.address().getPort() + "/metrics");
            var request = HttpRequest.newBuilder(uri).build();
            for (int i = 1; i <= 2; i++) {
                var answer = http.send(request, HttpResponse.BodyHandlers.ofString());
                assertEquals(200, answer.statusCode());
                assertEquals("calls " + i, answer.body());
            }
        }
    }

    @Test
    void otherMachinesCannotAsk() {
        assertThrows(
                IOException.class,
                () -> {
                    try (var executor = executor()) {
                        new MetricsEndpoint(new InetSocketAddress("0.0.0.0", 0), executor, () -> "")
                                .close();
                    }
                });
    }

    private static ExecutorService executor() {
        return Executors.newVirtualThreadPerTaskExecutor();
    }
}
