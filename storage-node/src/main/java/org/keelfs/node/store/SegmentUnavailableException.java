package org.keelfs.node.store;

import java.io.IOException;

/**
 * A segment's file is there and cannot be opened now; most likely the process has too many files
 * open. Says nothing of the bytes: who meets it tries again later, and marks nothing damaged.
 */
public final class SegmentUnavailableException extends IOException {
    private static final long serialVersionUID = 1L;

    SegmentUnavailableException(String message, IOException cause) {
        super(message, cause);
    }
}
