/**
 * The journal of a pool: a ring of groups of operations on one member, each with a sequence number,
 * chained by checksum to the one before. {@link io.vireo.fabric.storage.journal.Group} is the
 * format of a group, {@link io.vireo.fabric.storage.journal.JournalReader} finds what belongs to
 * the state at opening; the pool's committer writes. No I/O here.
 */
@NullMarked
package io.vireo.fabric.storage.journal;

import org.jspecify.annotations.NullMarked;
