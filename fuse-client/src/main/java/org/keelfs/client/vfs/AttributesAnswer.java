package org.keelfs.client.vfs;

import org.keelfs.model.Attributes;

/** Attributes, and how long the kernel may keep them in nanoseconds from now. */
public record AttributesAnswer(Attributes attributes, long validNs) {}
