package org.keelfs.namespace;

import org.keelfs.model.Name;

/**
 * An extended attribute.
 *
 * @param name with its namespace, "user.x"
 * @param value not to be changed
 */
public record XattrRow(Name name, byte[] value) {}
