package org.keelfs.config;

/**
 * A configuration that cannot be used; the message is one line that says which file and which
 * setting.
 */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ConfigException(String message) {
        super(message, null, false, false);
    }
}
