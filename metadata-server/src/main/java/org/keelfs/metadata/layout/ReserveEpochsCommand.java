package org.keelfs.metadata.layout;

import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.Tables;

/** Reserves a range of epochs; answers the first. Forced before any of them is used. */
public record ReserveEpochsCommand(long count) implements MetadataCommand<Long> {
    @Override
    public Long apply(Tables tables) {
        long last = tables.counter(Counter.EPOCH);
        tables.putCounter(Counter.EPOCH, last + count);
        return last + 1;
    }
}
