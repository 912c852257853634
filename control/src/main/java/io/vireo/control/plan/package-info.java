/**
 * The pure middle of the control plane: {@link io.vireo.control.plan.Planner} compares what is
 * wanted with what runs and returns the actions, in an order that respects references. A dry run
 * shows that list, the reconciler executes it.
 */
@NullMarked
package io.vireo.control.plan;

import org.jspecify.annotations.NullMarked;
