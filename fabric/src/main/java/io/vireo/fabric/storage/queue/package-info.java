/** What requests of the engine of storage pools, and of its mirrors, wait in. */
@NullMarked
package io.vireo.fabric.storage.queue;

import org.jspecify.annotations.NullMarked;
