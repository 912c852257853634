package io.vireo.device.virtio.scsi;

import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.ScsiTask;

/** One request of the driver while it is in flight; used again and again. */
final class RequestSlot {
    final ScsiTask task;

    /** The chain's name in the queue. */
    int head;

    /** Where the response and the sense data go; 0: to several places. */
    long responseAt;

    /** Where they go then. */
    final ScatterGatherList response = new ScatterGatherList(2);

    /** Bytes of Data-Out and Data-In that the driver has. */
    long out;

    long in;

    /** Whether it has begun and is not completed. */
    boolean underWay;

    /** The response where no task has one: another than S_OK. */
    byte early;

    RequestSlot(int index) {
        task = new ScsiTask(index);
    }
}
