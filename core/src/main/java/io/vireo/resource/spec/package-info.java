/**
 * The specs of the kinds that come with Vireo. They live apart from the kinds, because control
 * expands a server profile into vNICs and vDisk attachments, which devices realize; neither may
 * import the other.
 */
@NullMarked
package io.vireo.resource.spec;

import org.jspecify.annotations.NullMarked;
