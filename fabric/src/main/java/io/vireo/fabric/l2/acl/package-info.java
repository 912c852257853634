/**
 * Access control lists: stateless rules by which frames are permitted or denied.
 *
 * <p>{@link io.vireo.fabric.l2.acl.AclKind} makes a {@link io.vireo.fabric.l2.acl.RuleList} of each
 * Acl resource, which all ports share that use it; each port compiles its lists into an {@link
 * io.vireo.fabric.l2.acl.AclProgram} of its own, again when a list has changed. A program runs on
 * one reactor; lists and counters are read by any thread.
 */
@NullMarked
package io.vireo.fabric.l2.acl;

import org.jspecify.annotations.NullMarked;
