package io.vireo.server;

import io.vireo.fabric.storage.qos.DiskQosSettings;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;

final class QosStageSharedTest extends QosStageTest {
    @Override
    int poolIops() {
        return 20_000;
    }

    @Override
    DiskQosSettings settings() {
        return new DiskQosSettings(Rates.ANY, Rates.ANY, Rates.ANY, 50, 1_000);
    }
}
