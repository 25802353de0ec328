package org.keelfs.cli;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.keelfs.client.mount.MountConfig;
import org.keelfs.config.ConfigFile;

/** Configuration of a client: from a file, the environment and, winning, the command line. */
final class ClientSettings {
    private final @Nullable Path file;
    private final Map<String, String> environment = new HashMap<>(System.getenv());

    ClientSettings(@Nullable Path file) {
        this.file = file;
    }

    /** Sets one by its name in the file. */
    void set(String key, String value) {
        environment.put("KEELFS_" + key.replace('-', '_').toUpperCase(Locale.ROOT), value);
    }

    /** What mount(8) passes on that asks for nothing, or for what is so anyway. */
    private static final Set<String> IGNORED =
            Set.of("defaults", "relatime", "auto", "noauto", "nofail", "_netdev");

    /** Words of mount(8) that take another one back. */
    private static final Map<String, String> OPPOSITES =
            Map.of(
                    "rw", "ro",
                    "suid", "nosuid",
                    "dev", "nodev",
                    "exec", "noexec",
                    "atime", "noatime",
                    "diratime", "nodiratime");

    /**
     * Sets one as {@code -o} has it: {@code key=value}, {@code key} for true, or a word of
     * mount(8).
     */
    void setOption(String option) {
        String opposite = OPPOSITES.get(option);
        if (opposite != null) {
            set(opposite, "false");
            return;
        }
        if (IGNORED.contains(option)) {
            return;
        }
        int equals = option.indexOf('=');
        String key = (equals < 0 ? option : option.substring(0, equals)).replace('_', '-');
        if (!isKey(key)) {
            throw new CliException(
                    ExitCode.USAGE,
                    "unknown mount option '" + key + "' (see keelfs config describe mount)");
        }
        set(key, equals < 0 ? "true" : option.substring(equals + 1));
    }

    private static boolean isKey(String key) {
        return Arrays.stream(MountConfig.class.getRecordComponents())
                .map(RecordComponent::getName)
                .anyMatch(
                        name ->
                                name.replaceAll("([A-Z])", "-$1")
                                        .toLowerCase(Locale.ROOT)
                                        .equals(key));
    }

    MountConfig conclude() {
        return file == null
                ? ConfigFile.conclude(MountConfig.class, Map.of(), environment, "command line")
                : ConfigFile.load(file, MountConfig.class, environment);
    }
}
