package org.keelfs.client.mount;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.client.data.DataStatistics;
import org.keelfs.client.quorum.RoundStatistics;
import org.keelfs.metrics.Metrics;
import org.keelfs.metrics.MetricsEndpoint;
import org.keelfs.metrics.RpcMetrics;
import org.keelfs.rpc.RpcStatistics;

/** The numbers of a mount, served to Prometheus. */
final class MountMetrics {
    private MountMetrics() {}

    /** Serves on 127.0.0.1; null for port 0. Throws an FsException with one clear line. */
    static @Nullable MetricsEndpoint serve(
            int port, RpcStatistics rpc, DataStatistics data, RoundStatistics rounds) {
        if (port == 0) {
            return null;
        }
        var registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
        RpcMetrics.register(rpc, registry);
        Gauge.builder(Metrics.MOUNT_DIRTY, data, DataStatistics::dirtyBytes).register(registry);
        Gauge.builder(Metrics.MOUNT_CACHED, data, DataStatistics::cachedBytes).register(registry);
        FunctionCounter.builder(Metrics.MOUNT_READS, data, DataStatistics::hits)
                .tag(Metrics.TAG_KIND, "hit")
                .register(registry);
        FunctionCounter.builder(Metrics.MOUNT_READS, data, DataStatistics::misses)
                .tag(Metrics.TAG_KIND, "miss")
                .register(registry);
        for (var kind : RoundStatistics.Kind.values()) {
            FunctionTimer.builder(
                            Metrics.QUORUM_ROUND,
                            rounds,
                            r -> r.count(kind),
                            r -> (double) r.nanos(kind),
                            TimeUnit.NANOSECONDS)
                    .tag(Metrics.TAG_KIND, kind.name().toLowerCase(Locale.ROOT))
                    .register(registry);
        }
        try {
            return new MetricsEndpoint(
                    new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
                    Executors.newThreadPerTaskExecutor(
                            Thread.ofVirtual().name("keelfs-metrics-", 0).factory()),
                    registry::scrape);
        } catch (IOException e) {
            throw new FsException(Errno.EBUSY, String.valueOf(e.getMessage()));
        }
    }
}
