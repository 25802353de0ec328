package org.keelfs.client.data;

import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;

/** Waiting on virtual threads, and what failures mean to the kernel. */
final class Waits {
    private Waits() {}

    /** The result; EINTR when interrupted, EIO at the deadline, else what it failed with. */
    static <T extends @org.jspecify.annotations.Nullable Object> T await(
            Future<T> future, long deadlineNs, String what) {
        try {
            return future.get(Math.max(0, deadlineNs - System.nanoTime()), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FsException(Errno.EINTR, "interrupted: " + what);
        } catch (TimeoutException e) {
            throw new FsException(Errno.EIO, "no answer in time: " + what);
        } catch (ExecutionException e) {
            throw failure(e, what);
        }
    }

    /** The failure as the file system sees it. */
    static FsException failure(Throwable thrown, String what) {
        Throwable cause = cause(thrown);
        return cause instanceof FsException fs
                ? fs
                : new FsException(Errno.EIO, what + ": " + cause, cause);
    }

    /** Without the wrappers of futures. */
    static Throwable cause(Throwable thrown) {
        Throwable at = thrown;
        while ((at instanceof CompletionException || at instanceof ExecutionException)
                && at.getCause() != null) {
            at = at.getCause();
        }
        return at;
    }

    /** For stages whose outcome reaches others by a callback. */
    @SuppressWarnings("FutureReturnValueIgnored")
    static void forget(CompletionStage<?> stage) {
        // nothing to do: named so that ignoring is deliberate
    }
}
