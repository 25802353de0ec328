package org.keelfs.metrics;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;
import org.keelfs.rpc.RpcStatistics;

/** What a transport has done, as metrics; the same in every process. */
public final class RpcMetrics {
    private RpcMetrics() {}

    /** Registers them; the registry reads them whenever it is scraped. */
    public static void register(RpcStatistics rpc, MeterRegistry registry) {
        Gauge.builder(Metrics.RPC_CONNECTIONS, rpc, RpcStatistics::connections).register(registry);
        Gauge.builder(Metrics.RPC_UNANSWERED, rpc, RpcStatistics::unansweredBytes)
                .register(registry);
        counter(Metrics.RPC_CALLS, rpc, RpcStatistics::calls, registry);
        counter(Metrics.RPC_REQUESTS, rpc, RpcStatistics::requests, registry);
        counter(Metrics.RPC_REFUSED, rpc, RpcStatistics::refused, registry);
        counter(Metrics.RPC_BUSY, rpc, RpcStatistics::busy, registry);
        FunctionCounter.builder(Metrics.RPC_BYTES, rpc, RpcStatistics::bytesIn)
                .tag(Metrics.TAG_KIND, "in")
                .register(registry);
        FunctionCounter.builder(Metrics.RPC_BYTES, rpc, RpcStatistics::bytesOut)
                .tag(Metrics.TAG_KIND, "out")
                .register(registry);
    }

    private static void counter(
            String name,
            RpcStatistics rpc,
            ToDoubleFunction<RpcStatistics> value,
            MeterRegistry registry) {
        FunctionCounter.builder(name, rpc, value).register(registry);
    }
}
