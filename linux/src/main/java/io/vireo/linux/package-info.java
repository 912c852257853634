/** System calls of Linux through {@code java.lang.foreign}. */
@NullMarked
package io.vireo.linux;

import org.jspecify.annotations.NullMarked;
