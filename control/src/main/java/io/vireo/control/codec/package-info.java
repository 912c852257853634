/**
 * Between JSON trees and the records of resources, driven by {@link io.vireo.resource.Field}:
 * {@link io.vireo.control.codec.SpecBinder} reads and collects every violation with its JSON
 * pointer, {@link io.vireo.control.codec.SpecWriter} writes, {@link
 * io.vireo.control.codec.ResourceCodec} does the envelope around them. Stateless.
 */
@NullMarked
package io.vireo.control.codec;

import org.jspecify.annotations.NullMarked;
