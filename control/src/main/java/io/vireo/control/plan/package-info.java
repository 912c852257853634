/**
 * The pure middle of the control plane: {@link io.vireo.control.plan.Planner} compares what is
 * wanted with what runs and returns the actions, in an order that respects references. The
 * reconciler executes that list; {@link io.vireo.control.plan.DryRun} tells it beforehand, with the
 * fields that change and what that means for those who use the resource.
 */
@NullMarked
package io.vireo.control.plan;

import org.jspecify.annotations.NullMarked;
