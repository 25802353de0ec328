package org.keelfs.cli;

import java.util.Locale;
import java.util.concurrent.Callable;
import org.keelfs.wire.proto.MetadataProto.NodeStatus;
import org.keelfs.wire.proto.MetadataProto.StatusReply;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "status", description = "Shows the storage nodes and what the cluster holds.")
final class StatusCommand implements Callable<Integer> {
    @Mixin AdminOptions admin = new AdminOptions();

    @Option(
            names = "--wait-nodes",
            paramLabel = "N",
            defaultValue = "0",
            description = "Wait until so many storage nodes are alive.")
    int waitNodes;

    @Option(
            names = "--heard",
            description = "Of these count only nodes heard from since this command began.")
    boolean heard;

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "0",
            description = "How long to wait for the servers; default: not at all.")
    int timeoutSeconds;

    @Override
    public Integer call() throws Exception {
        long startNs = System.nanoTime();
        long deadlineNs = startNs + timeoutSeconds * 1_000_000_000L;
        try (var server = admin.connect()) {
            StatusReply status = server.awaitStatus(timeoutSeconds * 1_000L);
            while (alive(status, startNs) < waitNodes) {
                if (System.nanoTime() > deadlineNs) {
                    throw new CliException(
                            ExitCode.UNREACHABLE,
                            alive(status, startNs)
                                    + " of "
                                    + waitNodes
                                    + " storage nodes are alive");
                }
                AdminConnection.pause();
                status = server.status();
            }
            print(status);
        }
        return ExitCode.OK;
    }

    private long alive(StatusReply status, long startNs) {
        long sinceStartMs = (System.nanoTime() - startNs) / 1_000_000;
        return status.getNodesList().stream()
                .filter(node -> node.getAlive() && !node.getReplaced())
                .filter(node -> !heard || node.getSilentMs() < sinceStartMs)
                .count();
    }

    private static void print(StatusReply status) {
        System.out.printf(
                "%-4s %-12s %-21s %-10s %-9s %10s %10s %8s%n",
                "ID", "NODE", "ADDRESS", "RACK", "STATE", "FREE", "TOTAL", "CHUNKS");
        for (NodeStatus node : status.getNodesList()) {
            System.out.printf(
                    "%-4d %-12s %-21s %-10s %-9s %10s %10s %8d%n",
                    node.getNode(),
                    node.getName(),
                    node.getHost() + ":" + node.getPort(),
                    node.getRack().isEmpty() ? "-" : node.getRack(),
                    state(node),
                    bytes(node.getFreeBytes()),
                    bytes(node.getTotalBytes()),
                    node.getChunks());
        }
        System.out.printf(
                "mounts %d, inodes %d, chunks %d, deleted chunks waiting %d, leases %d%n",
                status.getSessions(),
                status.getInodes(),
                status.getChunks(),
                status.getGarbageChunks(),
                status.getLeases());
        System.out.flush();
    }

    private static String state(NodeStatus node) {
        if (node.getReplaced()) {
            return "replaced";
        }
        return node.getAlive() ? "alive" : "silent " + node.getSilentMs() / 1_000 + "s";
    }

    static String bytes(long bytes) {
        String[] units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < units.length - 1) {
            value /= 1024;
            unit++;
        }
        return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    }
}
