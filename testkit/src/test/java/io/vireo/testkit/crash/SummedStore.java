package io.vireo.testkit.crash;

import io.vireo.block.BlockDevice;
import io.vireo.reactor.Reactor;
import java.util.List;

/**
 * A {@link SimpleStore} on two copies with checksums, of which blocks rot while the power is off.
 */
final class SummedStore implements StoreUnderTest {
    private final SummedDisk.Bug bug;
    private final SimpleStore store = new SimpleStore(SimpleStore.Bug.NONE);

    SummedStore(SummedDisk.Bug bug) {
        this.bug = bug;
    }

    private List<BlockDevice> summed(List<BlockDevice> disks) {
        return List.of(new SummedDisk(disks, bug));
    }

    @Override
    public void create(List<BlockDevice> disks, Reactor reactor) {
        store.create(summed(disks), reactor);
    }

    @Override
    public Store open(List<BlockDevice> disks, Reactor reactor) {
        return store.open(summed(disks), reactor);
    }

    @Override
    public Store reopen(List<BlockDevice> disks, Reactor reactor) {
        SummedDisk.rot(image(disks.get(0)), image(disks.get(1)));
        return open(disks, reactor);
    }

    private static DiskImage image(BlockDevice disk) {
        return ((SimulatedDisk) disk).contents();
    }
}
