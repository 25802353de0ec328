package org.keelfs.cli;

import java.net.BindException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import org.keelfs.base.FsException;
import org.keelfs.config.ConfigException;
import org.keelfs.rpc.RpcException;

/** What the command line ends with; docs/OPERATIONS.md has the same table. */
final class ExitCode {
    static final int OK = 0;

    /** Anything without a number of its own. */
    static final int FAILURE = 1;

    /** Bad command line or configuration. */
    static final int USAGE = 2;

    /** Stopped, but data of some files could not be saved. */
    static final int UNSAVED = 3;

    /** A file, directory or volume that does not exist. */
    static final int NOT_FOUND = 4;

    /** Wrong password, wrong certificate, no permission. */
    static final int REFUSED = 5;

    /** A port, mount point, store or name that is taken. */
    static final int IN_USE = 6;

    /** The servers do not answer. */
    static final int UNREACHABLE = 7;

    private ExitCode() {}

    /** The code for a failure: the first of its causes that has one. */
    static int of(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            int code = ofOne(cause);
            if (code != FAILURE) {
                return code;
            }
        }
        return FAILURE;
    }

    private static int ofOne(Throwable failure) {
        return switch (failure) {
            case CliException e -> e.code();
            case ConfigException _ -> USAGE;
            case NoSuchFileException _ -> NOT_FOUND;
            case AccessDeniedException _ -> REFUSED;
            case FileAlreadyExistsException _ -> IN_USE;
            case BindException _ -> IN_USE;
            case OverlappingFileLockException _ -> IN_USE;
            case RpcException e ->
                    switch (e.status()) {
                        case REFUSED -> REFUSED;
                        case UNREACHABLE, DEADLINE -> UNREACHABLE;
                        default -> FAILURE;
                    };
            case FsException e ->
                    switch (e.errno()) {
                        case ENOENT -> NOT_FOUND;
                        case EACCES, EPERM, EKEYREJECTED -> REFUSED;
                        case EBUSY, EEXIST -> IN_USE;
                        case ETIMEDOUT -> UNREACHABLE;
                        default -> FAILURE;
                    };
            default -> FAILURE;
        };
    }
}
