package io.vireo.server;

import io.vireo.fabric.storage.qos.DiskQosSettings;

final class QosStageUnboundedTest extends QosStageTest {
    @Override
    int poolIops() {
        return 0;
    }

    @Override
    DiskQosSettings settings() {
        return DiskQosSettings.NONE;
    }
}
