package org.keelfs.client.vfs;

/** A file made and opened in one call. */
public record Created(Entry entry, Opened opened) {}
