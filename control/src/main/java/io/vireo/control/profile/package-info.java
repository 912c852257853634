/**
 * Server profiles: a pure expansion of one profile into the vNICs and vDisk attachments that it
 * owns.
 */
@NullMarked
package io.vireo.control.profile;

import org.jspecify.annotations.NullMarked;
