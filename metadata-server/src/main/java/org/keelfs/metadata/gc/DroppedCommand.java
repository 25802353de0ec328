package org.keelfs.metadata.gc;

import java.util.ArrayList;
import java.util.List;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.ChunkId;
import org.keelfs.model.NodeId;
import org.keelfs.model.ReplicaSet;
import org.keelfs.namespace.GarbageRow;
import org.keelfs.namespace.Tables;

/**
 * A node has forgotten these chunks durably, or is gone for good. The last node's word ends the
 * garbage.
 */
public record DroppedCommand(NodeId node, List<ChunkId> chunks)
        implements MetadataCommand<Integer> {
    /** Rows that ended. */
    @Override
    public Integer apply(Tables tables) {
        int ended = 0;
        for (ChunkId chunk : chunks) {
            GarbageRow row = tables.garbage(chunk);
            if (row == null || !row.replicas().contains(node)) {
                continue;
            }
            List<NodeId> left = new ArrayList<>(row.replicas().nodes());
            left.remove(node);
            if (left.isEmpty()) {
                tables.deleteGarbage(chunk);
                ended++;
            } else {
                tables.putGarbage(row.withReplicas(new ReplicaSet(left)));
            }
        }
        return ended;
    }
}
