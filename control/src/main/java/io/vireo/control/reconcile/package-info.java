/**
 * Brings what runs to what is wanted: {@link io.vireo.control.reconcile.Reconciler} plans, does
 * what can be done now, remembers failures, and is woken by changes, completed closes and retry
 * times. Its thread is the only one that calls {@code realize}, {@code update}, {@code destroy} and
 * {@code close}.
 */
@NullMarked
package io.vireo.control.reconcile;

import org.jspecify.annotations.NullMarked;
