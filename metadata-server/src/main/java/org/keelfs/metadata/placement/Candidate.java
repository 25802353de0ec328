package org.keelfs.metadata.placement;

import org.keelfs.model.NodeId;

/**
 * A node that could take a replica.
 *
 * @param node its number
 * @param rack its failure domain
 * @param freeBytes what it has left, less what is on its way to it
 * @param load replicas placed on it lately: of two with the same space the less busy one is
 *     likelier
 * @param alive whether it was heard of lately
 */
public record Candidate(NodeId node, String rack, long freeBytes, long load, boolean alive) {}
