package org.keelfs.it.cluster;

import java.nio.file.OpenOption;

/** O_DIRECT for {@link java.nio.channels.FileChannel}. */
public final class DirectIo {
    private DirectIo() {}

    /** The option, by name: javac warns of the class it is in, which every JDK has. */
    public static OpenOption option() {
        try {
            Class<?> options = Class.forName("com.sun.nio.file.ExtendedOpenOption");
            for (Object option : options.getEnumConstants()) {
                if (option instanceof OpenOption open && option.toString().equals("DIRECT")) {
                    return open;
                }
            }
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("this JDK has no direct I/O", e);
        }
        throw new IllegalStateException("this JDK has no direct I/O");
    }
}
