package org.keelfs.it.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A network of its own for the processes of a distant machine, behind a router that can be told to
 * lose packets. Needs root, iproute2 and util-linux. Used by one thread at a time.
 *
 * <pre>
 *   this machine                      router (namespace)                       far (namespace)
 *   servers at .1 to .125  --veth--  .126 inner | outer .129  --veth--  .130  processes of enter()
 * </pre>
 *
 * <p>All stands in one 198.18.N.0/24, of the range that RFC 2544 keeps free for tests. N is part of
 * the names of both namespaces, so that the kernel itself lets two runs not take the same.
 */
public final class FarNetwork implements AutoCloseable {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);

    /** Networks of /24 in 198.18.0.0/16. */
    private static final int NETWORKS = 256;

    /** The last address of this machine's half; the router has it. */
    private static final int ROUTER = 126;

    private static final Path ROOT = Path.of("/");

    private final int number;
    private final String name;
    private final Thread atExit = new Thread(this::takeAway, "far-network-at-exit");

    private FarNetwork(int number) {
        this.number = number;
        this.name = name(number);
    }

    /** Makes one, with everything connected. */
    public static FarNetwork make() throws IOException {
        if (!Files.getOwner(Path.of("/proc/self")).getName().equals("root")) {
            throw new IllegalStateException(
                    "only root can make network namespaces: run this test as root");
        }
        FarNetwork network = new FarNetwork(reserve());
        Runtime.getRuntime().addShutdownHook(network.atExit);
        try {
            network.connect();
        } catch (Throwable e) {
            network.close();
            throw e;
        }
        return network;
    }

    private static String name(int number) {
        return "keelfs-" + number;
    }

    /** Takes the first number of which nobody has the namespace. */
    private static int reserve() {
        var said = new ArrayList<Shell.Result>();
        // Runs that begin together do not try the same numbers one after the other.
        int start = (int) (ProcessHandle.current().pid() % NETWORKS);
        for (int i = 0; i < NETWORKS; i++) {
            int number = (start + i) % NETWORKS;
            Shell.Result made = run("ip netns add " + name(number));
            if (made.exitCode() == 0) {
                return number;
            }
            said.add(made);
            if (!made.errors().contains("File exists")) {
                break;
            }
        }
        throw new AssertionError("cannot make a network namespace: " + said.getLast());
    }

    private void connect() {
        run("""
                        ip netns add $router
                        ip link add $name type veth peer name inner netns $router
                        ip -n $router link add outer type veth peer name net netns $name
                        ip addr add $net.1/25 dev $name
                        ip link set dev $name up
                        ip -n $router addr add $net.126/25 dev inner
                        ip -n $router link set dev inner up
                        ip -n $router addr add $net.129/25 dev outer
                        ip -n $router link set dev outer up
                        ip -n $name addr add $net.130/25 dev net
                        ip -n $name link set dev net up
                        ip -n $name link set dev lo up
                        ip -n $name route add default via $net.129
                        ip route add $net.128/25 via $net.126
                        # A /proc of its own, as containers may show one that cannot be written. With rp_filter a
                        # route that swallows packets swallows those of the other direction as well.
                        nsenter --net=/var/run/netns/$router unshare --mount sh -ec '
                            mount -t proc proc /proc
                            echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter
                            echo 1 >/proc/sys/net/ipv4/ip_forward'
                        """
                        .replace("$router", router())
                        .replace("$name", name)
                        .replace("$net", "198.18." + number))
                .orThrow();
    }

    private String router() {
        return name + "-router";
    }

    /**
     * One of this machine's addresses that the far side reaches.
     *
     * @param host from 1 to 125
     */
    public String address(int host) {
        if (host < 1 || host >= ROUTER) {
            throw new IllegalArgumentException("no host " + host);
        }
        String address = "198.18." + number + "." + host;
        if (host > 1) {
            run("ip addr replace " + address + "/25 dev " + name).orThrow();
        }
        return address;
    }

    /** What a command begins with that is to run on the far side; files and mounts are the same. */
    public List<String> enter() {
        // Not "ip netns exec": that has mounts of its own too, and nobody else would see them.
        return List.of("nsenter", "--net=/var/run/netns/" + name);
    }

    /** Takes down the far side's link. */
    public void cut() {
        run("ip -n " + router() + " link set dev outer down").orThrow();
    }

    /**
     * The router loses every packet from and to one of this machine's addresses, and tells nobody.
     */
    public void swallow(String address) {
        run("ip -n " + router() + " route replace blackhole " + address + "/32").orThrow();
    }

    /** Everything is connected again. */
    public void mend() {
        String router = router();
        run("ip -n %s route flush type blackhole; ip -n %s link set dev outer up"
                        .formatted(router, router))
                .orThrow();
    }

    private static Shell.Result run(String script) {
        return Shell.bash(ROOT, Map.of(), script, TIMEOUT);
    }

    /** Takes it away; processes that still run there keep a network without any link. */
    @Override
    public void close() {
        takeAway();
        Runtime.getRuntime().removeShutdownHook(atExit);
    }

    private void takeAway() {
        boolean interrupted = Thread.interrupted();
        // The other ends of both links go with the first two.
        run(
                "ip link del %s; ip -n %s link del outer; ip netns del %s; ip netns del %s"
                        .formatted(name, router(), router(), name)
                        .replace("; ", " || true; ")
                        .concat(" || true"));
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
