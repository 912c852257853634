/**
 * What a capture is made of beside the frames: the file that they are written to ({@link
 * io.vireo.fabric.l2.capture.PcapngWriter}) and the expression that chooses some of them ({@link
 * io.vireo.fabric.l2.capture.FrameFilter}, which runs on the reactor of the bridge).
 */
@NullMarked
package io.vireo.fabric.l2.capture;

import org.jspecify.annotations.NullMarked;
