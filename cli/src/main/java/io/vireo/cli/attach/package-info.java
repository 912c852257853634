/**
 * The options with which hypervisors take the devices of a profile. Pure: {@link
 * io.vireo.cli.attach.Guest} in, text out.
 */
@NullMarked
package io.vireo.cli.attach;

import org.jspecify.annotations.NullMarked;
