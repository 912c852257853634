package io.vireo.fabric.storage.format;

import java.util.UUID;

/**
 * A member in the table of each superblock.
 *
 * @param uuid of the member
 * @param dataStart bytes before its first chunk
 * @param chunks that it has
 * @param highWater chunks from this number on were never used, and read as zeroes
 */
public record MemberEntry(UUID uuid, long dataStart, long chunks, long highWater) {}
