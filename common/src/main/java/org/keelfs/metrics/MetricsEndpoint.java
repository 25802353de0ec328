package org.keelfs.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.function.Supplier;

/**
 * Answers GET /metrics in the text format of Prometheus, without authentication: on loopback only.
 */
public final class MetricsEndpoint implements AutoCloseable {
    private static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
    private static final int WAITING_CONNECTIONS_MAX = 16;

    private final HttpServer server;
    private final ExecutorService executor;

    /**
     * Listens at once.
     *
     * @param address port 0 for a free one
     * @param executor answers the calls; closed with the endpoint
     * @param scrape makes the text
     * @throws IOException in one clear line, when the address cannot be had
     */
    public MetricsEndpoint(
            InetSocketAddress address, ExecutorService executor, Supplier<String> scrape)
            throws IOException {
        if (!address.getAddress().isLoopbackAddress()) {
            throw new IOException("metrics are served on loopback only, not on " + address);
        }
        try {
            server = HttpServer.create(address, WAITING_CONNECTIONS_MAX);
        } catch (IOException e) {
            throw new IOException("cannot serve metrics on " + address + ": " + e.getMessage(), e);
        }
        this.executor = executor;
        server.setExecutor(executor);
        server.createContext("/metrics", exchange -> answer(exchange, scrape));
        server.start();
    }

    private static void answer(HttpExchange exchange, Supplier<String> scrape) throws IOException {
        try (exchange) {
            if (!exchange.getRequestMethod().equals("GET")) {
                exchange.sendResponseHeaders(405, -1);
                return;
            }
            byte[] text = scrape.get().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().set("Content-Type", CONTENT_TYPE);
            exchange.sendResponseHeaders(200, text.length);
            exchange.getResponseBody().write(text);
        }
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    @Override
    public void close() {
        server.stop(0);
        executor.close();
    }
}
