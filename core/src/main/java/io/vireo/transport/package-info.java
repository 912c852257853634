/**
 * How devices are presented to servers: a {@link io.vireo.transport.Transport} accepts a contract
 * and knows no device.
 */
@NullMarked
package io.vireo.transport;

import org.jspecify.annotations.NullMarked;
