package org.keelfs.register;

import org.keelfs.model.SectorRun;
import org.keelfs.model.Timestamp;

/** Sectors of one timestamp, as a replica holds them; a hole reads as zeros and takes no space. */
public record StampRun(SectorRun run, Timestamp timestamp, boolean hole) {}
