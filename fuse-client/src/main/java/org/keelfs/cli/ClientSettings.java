package org.keelfs.cli;

import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
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

    /** Sets one as {@code -o} has it: {@code key=value}, or {@code key} for true. */
    void setOption(String option) {
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
