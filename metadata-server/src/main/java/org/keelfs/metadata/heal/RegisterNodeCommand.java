package org.keelfs.metadata.heal;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.NodeId;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.NodeRow;
import org.keelfs.namespace.Tables;

/**
 * A storage node announces itself. Rule R12: a store that is new, wiped, restored from an older
 * copy or whose log is damaged has lost acknowledged data and comes back as a new node; the old one
 * is marked replaced and votes no more.
 *
 * @param storeIdentity 16 random bytes made with the store; not to be changed
 * @param startCounter of this start of it
 * @param logDamaged whether the store knows of lost records
 */
public record RegisterNodeCommand(
        byte[] storeIdentity,
        long startCounter,
        boolean logDamaged,
        String name,
        String host,
        int port,
        String rack)
        implements MetadataCommand<RegisterNodeCommand.Registered> {
    /**
     * What became of it.
     *
     * @param row as it is recorded now
     * @param replaced the node whose place it takes because that one's data is lost, or null
     */
    public record Registered(NodeRow row, @Nullable NodeId replaced) {}

    @Override
    public Registered apply(Tables tables) {
        NodeRow known = null;
        for (NodeRow row : tables.nodes()) {
            if (!row.replaced() && Arrays.equals(row.storeIdentity(), storeIdentity)) {
                known = row;
            }
        }
        if (known != null && !logDamaged && startCounter >= known.startCounter()) {
            NodeRow again = row(known.id());
            tables.putNode(again);
            return new Registered(again, null);
        }
        NodeRow lost = known != null ? known : sameName(tables);
        if (lost != null) {
            tables.putNode(replaced(lost));
        }
        NodeRow fresh = row(new NodeId(Math.toIntExact(tables.draw(Counter.NODE))));
        tables.putNode(fresh);
        return new Registered(fresh, lost == null ? null : lost.id());
    }

    /** A store under the name of another was made in its place: that one was wiped. */
    private @Nullable NodeRow sameName(Tables tables) {
        for (NodeRow row : tables.nodes()) {
            if (!row.replaced() && row.name().equals(name)) {
                return row;
            }
        }
        return null;
    }

    private NodeRow row(NodeId id) {
        return new NodeRow(id, storeIdentity, startCounter, name, host, port, rack, false);
    }

    private static NodeRow replaced(NodeRow row) {
        return new NodeRow(
                row.id(),
                row.storeIdentity(),
                row.startCounter(),
                row.name(),
                row.host(),
                row.port(),
                row.rack(),
                true);
    }
}
