package org.keelfs.client.data;

import java.util.Arrays;

/** Frames in hand: taken for an operation, or to be given back. Confined to one thread. */
final class FrameList {
    int[] frames;
    int count;

    FrameList(int capacity) {
        this.frames = new int[capacity];
    }

    void add(int frame) {
        if (count == frames.length) {
            frames = Arrays.copyOf(frames, Math.max(16, 2 * count));
        }
        frames[count++] = frame;
    }

    int remove() {
        return frames[--count];
    }
}
