/**
 * Identities of virtual cards: MAC addresses and disk serials, drawn from pools, durable, and never
 * given to a second owner while the first one is live. Instances are guarded by the control plane's
 * write lock.
 */
@NullMarked
package io.vireo.control.identity;

import org.jspecify.annotations.NullMarked;
