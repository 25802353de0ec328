package org.keelfs.metadata.layout;

import org.jspecify.annotations.Nullable;
import org.keelfs.model.InodeId;
import org.keelfs.model.SessionId;
import org.keelfs.register.Hint;

/**
 * The one sealer of a chunk in an epoch (rule R3). Soft: after a restart the epoch does not go on.
 *
 * @param epoch the epoch
 * @param sealer who seals
 * @param inode by way of which file: a frozen chunk has several
 * @param sinceNs when it was told to
 * @param hint handed over by the writer before (R4), or null
 */
public record Sealing(
        long epoch, SessionId sealer, InodeId inode, long sinceNs, @Nullable Hint hint) {}
