package org.keelfs.client.lease;

import org.keelfs.lease.LeaseMode;
import org.keelfs.wire.proto.MetadataProto;

/** Modes of leases on the wire. */
final class WireModes {
    private WireModes() {}

    static MetadataProto.LeaseMode toWire(LeaseMode mode) {
        return switch (mode) {
            case NONE -> MetadataProto.LeaseMode.NONE;
            case READ -> MetadataProto.LeaseMode.READ;
            case WRITE -> MetadataProto.LeaseMode.WRITE;
            case SHARED -> MetadataProto.LeaseMode.SHARED;
        };
    }

    static LeaseMode fromWire(MetadataProto.LeaseMode mode) {
        return switch (mode) {
            case READ -> LeaseMode.READ;
            case WRITE -> LeaseMode.WRITE;
            case SHARED -> LeaseMode.SHARED;
            case NONE, UNRECOGNIZED -> LeaseMode.NONE;
        };
    }
}
