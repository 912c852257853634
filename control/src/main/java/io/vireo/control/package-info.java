/**
 * The control plane's front door: {@link io.vireo.control.ControlPlane} takes desired state in,
 * keeps it durable, has it reconciled, and tells what is. REST, and through it everything else,
 * enters here.
 *
 * <p>Threading: every method may be called from any thread, virtual ones included. Reads are served
 * from memory; writes wait for the store's own thread. Devices are only ever touched by the
 * reconciler's thread.
 */
@NullMarked
package io.vireo.control;

import org.jspecify.annotations.NullMarked;
