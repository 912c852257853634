/**
 * What happened, for people and programs that watch: a bounded ring that every reader walks at its
 * own pace, so that a slow reader holds nobody up and costs no memory.
 */
@NullMarked
package io.vireo.control.event;

import org.jspecify.annotations.NullMarked;
