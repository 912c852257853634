package io.vireo.device.virtio.net;

import io.vireo.net.NetPort;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.MacAddress;
import io.vireo.testkit.NetDriver;
import io.vireo.testkit.NetPortContract;
import io.vireo.virtqueue.Virtqueue;
import java.util.List;

class VirtioNetPortTest extends NetPortContract {
    private final Reactor reactor =
            Reactor.start(new ReactorConfig("port", -1, PollMode.INTERRUPT));
    private final VirtioNetDevice device =
            new VirtioNetDevice(
                    new VirtioNetConfig("card", new MacAddress(2L << 40), 1500, 1, reactor));
    private final NetDriver driver =
            new NetDriver(device, 256, Virtqueue.VERSION_1 | NetDriver.MRG_RXBUF);

    @Override
    protected NetPort open(Runnable wake) {
        device.attached(reactor, wake);
        driver.post(64, 2048);
        return device;
    }

    @Override
    protected void run(Runnable task) {
        task.run();
    }

    @Override
    protected void arrive(byte[] frame) {
        driver.completed();
        driver.send(frame);
        driver.queues().get(1).kick();
    }

    @Override
    protected List<byte[]> departed() {
        return driver.received().stream().map(NetDriver.Received::frame).toList();
    }

    @Override
    protected boolean appends() {
        return true;
    }

    @Override
    protected void shut() {
        device.stopQueue(0, () -> {});
        device.stopQueue(1, () -> {});
        device.detached();
        driver.close();
        reactor.close();
    }
}
