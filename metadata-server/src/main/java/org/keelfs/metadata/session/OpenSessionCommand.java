package org.keelfs.metadata.session;

import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.metadata.log.MetadataCommand;
import org.keelfs.model.SessionId;
import org.keelfs.namespace.Counter;
import org.keelfs.namespace.InodePool;
import org.keelfs.namespace.SessionRow;
import org.keelfs.namespace.Tables;
import org.keelfs.namespace.VolumeRow;

/**
 * A mount opens a session. Refused with ENOENT when there is no such volume. Forced before it is
 * answered: session numbers are in timestamps.
 *
 * @param volume name
 * @param mountId stable identity of the mount; not to be changed
 * @param certificate SHA-256 of the client's certificate; not to be changed
 */
public record OpenSessionCommand(String volume, byte[] mountId, byte[] certificate)
        implements MetadataCommand<OpenSessionCommand.Opened> {
    /** The session and what it mounts. */
    public record Opened(SessionRow session, VolumeRow volume) {}

    @Override
    public Opened apply(Tables tables) {
        for (VolumeRow row : tables.volumes()) {
            if (row.name().equals(volume)) {
                SessionRow session =
                        new SessionRow(
                                new SessionId(tables.draw(Counter.SESSION)),
                                mountId,
                                row.id(),
                                SessionRow.State.OPEN,
                                certificate,
                                0,
                                0,
                                InodePool.EMPTY.refilled(tables).refilled(tables));
                tables.putSession(session);
                return new Opened(session, row);
            }
        }
        throw new FsException(Errno.ENOENT, "there is no volume '" + volume + "'");
    }
}
