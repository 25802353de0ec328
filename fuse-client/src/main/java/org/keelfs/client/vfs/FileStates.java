package org.keelfs.client.vfs;

import java.util.Collection;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.keelfs.model.InodeId;

/** The inodes that this mount has open, owns, or owes something to. Thread-safe. */
final class FileStates {
    private final ConcurrentHashMap<InodeId, FileState> states = new ConcurrentHashMap<>();

    /** Takes part in a state with its lock held. */
    interface Action<T> {
        T run(FileState state);
    }

    /**
     * Runs with the state of an inode, which exists and is locked meanwhile, and goes afterwards if
     * idle.
     */
    <T> T with(InodeId inode, Action<T> action) {
        FileState state = locked(inode);
        try {
            return action.run(state);
        } finally {
            unlock(state);
        }
    }

    /** The state of an inode, locked; {@link #unlock} ends that. */
    @SuppressWarnings("LockNotBeforeTry") // handed over locked
    FileState locked(InodeId inode) {
        while (true) {
            FileState state = states.computeIfAbsent(inode, FileState::new);
            state.lock.lock();
            if (states.get(inode) == state) {
                state.settleLoss();
                return state;
            }
            state.lock.unlock();
        }
    }

    /** The same where nobody else has it now; null otherwise. Never waits. */
    @Nullable FileState tryLocked(InodeId inode) {
        FileState state = states.computeIfAbsent(inode, FileState::new);
        if (!state.lock.tryLock()) {
            return null;
        }
        if (states.get(inode) == state) {
            state.settleLoss();
            return state;
        }
        state.lock.unlock();
        return null;
    }

    void unlock(FileState state) {
        state.settleLoss();
        if (state.isIdle() && !state.lock.hasQueuedThreads()) {
            states.remove(state.inode, state);
        }
        state.lock.unlock();
    }

    /** Without its lock; for volatile fields. */
    @Nullable FileState ifPresent(InodeId inode) {
        return states.get(inode);
    }

    Collection<FileState> all() {
        return List.copyOf(states.values());
    }
}
