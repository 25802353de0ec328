package org.keelfs.metadata.log;

/**
 * An applied command.
 *
 * @param result its answer
 * @param position its place in the log: what {@link MetadataLog#force} takes
 */
public record Submitted<T>(T result, long position) {}
