/**
 * The contract between the control plane and everything that can be declared: what a resource is,
 * and how a kind of resource is turned into something that runs.
 *
 * <p>Entry point: {@link io.vireo.resource.ResourceKind}, one implementation per kind, beside the
 * device or back end that it creates, found by {@link java.util.ServiceLoader}. REST, CLI, OpenAPI
 * and metrics are generic over it: a new kind is one class and one {@code provides} line.
 *
 * <p>The life of a resource: JSON is bound to the kind's {@link io.vireo.resource.Spec} record
 * (defaults and ranges come from {@link io.vireo.resource.Field}), {@linkplain
 * io.vireo.resource.ResourceKind#validate validated}, stored, and then {@linkplain
 * io.vireo.resource.ResourceKind#realize realized} by the reconciler into a {@link
 * io.vireo.resource.Realization}, which hands its running contracts (a network, a block device) to
 * the resources that refer to it.
 *
 * <p>Threading: validation runs on any thread and touches nothing but its arguments. Everything
 * that takes a {@link io.vireo.resource.RealizeContext} runs on the reconciler's one thread. {@link
 * io.vireo.resource.Realization#status()} is called from any thread and must not block.
 *
 * <p>This package is plain Java: it knows no reactor, socket or queue, so that the control plane
 * can depend on it alone.
 */
@NullMarked
package io.vireo.resource;

import org.jspecify.annotations.NullMarked;
