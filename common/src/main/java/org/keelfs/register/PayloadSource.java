package org.keelfs.register;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.Payload;
import org.keelfs.model.Timestamp;

/**
 * The stored sectors of a value, made when its timestamp is known, which is part of what is
 * encrypted. Called at most once in a round, under the chunk's lock.
 */
@FunctionalInterface
public interface PayloadSource {
    /** The stored sectors under this timestamp; null for a hole. */
    @Nullable Payload under(Timestamp timestamp);
}
