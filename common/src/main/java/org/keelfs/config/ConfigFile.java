package org.keelfs.config;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Configuration of one process: a YAML file of flat settings, concluded once into a record whose
 * components carry {@link Setting}. A component {@code leaseTermMs} is the key {@code
 * lease-term-ms} in the file and {@code KEELFS_LEASE_TERM_MS} in the environment, which wins; what
 * is in neither has its default. Components are String, int, long, boolean or Path.
 */
public final class ConfigFile {
    private ConfigFile() {}

    /** Reads and concludes a file. Throws {@link ConfigException}. */
    public static <T extends Record> T load(Path file, Class<T> type) {
        return load(file, type, System.getenv());
    }

    /** The same with a given environment. */
    public static <T extends Record> T load(Path file, Class<T> type, Map<String, String> env) {
        return conclude(type, read(file), env, file.toString());
    }

    /**
     * Concludes settings that are at hand already, by their file keys; {@code origin} is for
     * messages.
     */
    public static <T extends Record> T conclude(
            Class<T> type, Map<String, String> given, Map<String, String> env, String origin) {
        RecordComponent[] components = type.getRecordComponents();
        Map<String, String> left = new LinkedHashMap<>(given);
        Object[] values = new Object[components.length];
        Class<?>[] types = new Class<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            RecordComponent component = components[i];
            types[i] = component.getType();
            String key = key(component.getName());
            String fromFile = left.remove(key);
            String fromEnvironment = env.get(environmentName(key));
            String text = fromEnvironment != null ? fromEnvironment : fromFile;
            if (text == null) {
                text = setting(component).value();
            }
            if (text.equals(Setting.REQUIRED)) {
                throw new ConfigException(origin + ": setting '" + key + "' is missing");
            }
            values[i] = convert(component.getType(), text, key, origin);
        }
        if (!left.isEmpty()) {
            throw new ConfigException(
                    origin + ": unknown setting '" + left.keySet().iterator().next() + "'");
        }
        return construct(type, types, values, origin);
    }

    /** The documented defaults as a commented YAML file. */
    public static String describe(Class<? extends Record> type) {
        var out = new StringBuilder();
        for (RecordComponent component : type.getRecordComponents()) {
            Setting setting = setting(component);
            out.append("# ").append(setting.doc()).append('\n');
            boolean required = setting.value().equals(Setting.REQUIRED);
            out.append(required ? "# (required) " : "# ").append(key(component.getName()));
            out.append(": ").append(required ? "" : setting.value()).append("\n\n");
        }
        return out.toString();
    }

    private static Map<String, String> read(Path file) {
        JsonNode root;
        try {
            root = YAMLMapper.builder().build().readTree(Files.readString(file));
        } catch (NoSuchFileException e) {
            throw new ConfigException(file + ": no such configuration file");
        } catch (JacksonException e) {
            String problem = e.getOriginalMessage().lines().findFirst().orElse("");
            throw new ConfigException(file + ": not YAML: " + problem);
        } catch (IOException e) {
            throw new ConfigException(file + ": cannot be read: " + e.getMessage());
        }
        Map<String, String> settings = new LinkedHashMap<>();
        if (root == null || root.isMissingNode() || root.isNull()) {
            return settings;
        }
        if (!root.isObject()) {
            throw new ConfigException(file + ": expected 'setting: value' lines");
        }
        for (Map.Entry<String, JsonNode> field : root.properties()) {
            if (!field.getValue().isValueNode()) {
                throw new ConfigException(
                        file + ": setting '" + field.getKey() + "' must be a single value");
            }
            settings.put(field.getKey(), field.getValue().asText());
        }
        return settings;
    }

    private static Object convert(Class<?> type, String text, String key, String origin) {
        try {
            if (type == String.class) {
                return text;
            } else if (type == int.class) {
                return Integer.parseInt(text);
            } else if (type == long.class) {
                return Long.parseLong(text);
            } else if (type == boolean.class) {
                if (!text.equals("true") && !text.equals("false")) {
                    throw new IllegalArgumentException("neither true nor false");
                }
                return text.equals("true");
            } else if (type == Path.class) {
                return Path.of(text);
            }
        } catch (IllegalArgumentException e) {
            throw new ConfigException(origin + ": setting '" + key + "': bad value '" + text + "'");
        }
        throw new IllegalStateException("no settings of " + type);
    }

    private static <T extends Record> T construct(
            Class<T> type, Class<?>[] types, Object[] values, String origin) {
        try {
            var constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(values);
        } catch (java.lang.reflect.InvocationTargetException e) {
            throw new ConfigException(origin + ": " + message(e.getCause()));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String message(@Nullable Throwable cause) {
        return cause == null ? "unusable" : String.valueOf(cause.getMessage());
    }

    private static Setting setting(RecordComponent component) {
        Setting setting = component.getAnnotation(Setting.class);
        if (setting == null) {
            throw new IllegalStateException(component + " has no @Setting");
        }
        return setting;
    }

    private static String key(String componentName) {
        return componentName.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
    }

    private static String environmentName(String key) {
        return "KEELFS_" + key.replace('-', '_').toUpperCase(Locale.ROOT);
    }
}
