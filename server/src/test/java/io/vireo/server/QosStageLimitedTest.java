package io.vireo.server;

import io.vireo.fabric.storage.qos.DiskQosSettings;
import io.vireo.fabric.storage.qos.DiskQosSettings.Rates;

/** So slow that requests really wait. */
final class QosStageLimitedTest extends QosStageTest {
    @Override
    int poolIops() {
        return 0;
    }

    @Override
    DiskQosSettings settings() {
        return new DiskQosSettings(
                Rates.ANY,
                new Rates(0, 0, 100 << 20, 1 << 20),
                new Rates(20_000, 16, 0, 0),
                100,
                0);
    }
}
