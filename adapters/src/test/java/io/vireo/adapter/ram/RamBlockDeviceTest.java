package io.vireo.adapter.ram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.BlockDeviceContract;
import org.junit.jupiter.api.Test;

class RamBlockDeviceTest extends BlockDeviceContract {
    private final RamBlockDevice made =
            new RamBlockDevice(new VolumeFormat(CAPACITY, BLOCK, 4096), CAPACITY);

    @Override
    protected BlockDevice make() {
        return made;
    }

    @Override
    protected void unmake() {
        made.close();
    }

    /** Nobody but us: memory that was never mapped, as no guest's is, would end the process. */
    @Override
    protected boolean kernelCopies() {
        return false;
    }

    @Test
    void aPoolPromisesNoMoreThanItHas() {
        var pool = new RamPoolProvider.Pool(3 << 20);
        var first = pool.open("a", new VolumeFormat(2 << 20, 512, 4096));
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> pool.open("b", new VolumeFormat(2 << 20, 512, 4096)))
                .withMessageContaining("1048576 bytes of memory are left");
        first.grow(3 << 20);
        assertThat(first.device().geometry().capacity()).isEqualTo(3 << 20);
        assertThat(pool.space().freeBytes()).isZero();
        first.close();
        assertThat(pool.space().freeBytes()).isEqualTo(3 << 20);
    }
}
