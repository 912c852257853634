package io.vireo.fabric.storage.transfer;

import io.vireo.block.BlockDevice;
import io.vireo.block.DiskImages;
import io.vireo.reactor.Reactor;
import io.vireo.resource.spec.VdiskExportSpec;
import java.util.List;

/** Copies a device to an image file, which appears when it is complete and durable. */
final class ExportWork implements Transfer.Work {
    private final DiskImages images;
    private final VdiskExportSpec spec;
    private final BlockDevice device;
    private final Reactor reactor;

    ExportWork(DiskImages images, VdiskExportSpec spec, BlockDevice device, Reactor reactor) {
        this.images = images;
        this.spec = spec;
        this.device = device;
        this.reactor = reactor;
    }

    @Override
    public void run(Transfer transfer) {
        long capacity = device.geometry().capacity();
        transfer.begins(capacity, List.of());
        try (var writer = images.create(spec.file(), spec.format(), capacity);
                var pipe = new BlockPipe(device, reactor)) {
            transfer.using(pipe);
            try {
                byte[] data = new byte[BlockPipe.CHUNK];
                for (long at = 0; at < capacity; at += BlockPipe.CHUNK) {
                    int length = (int) Math.min(BlockPipe.CHUNK, capacity - at);
                    transfer.proceed(at, length);
                    pipe.read(at, data, length);
                    writer.write(at, data, length);
                }
                transfer.proceed(capacity, 0);
            } finally {
                transfer.using(null);
            }
            writer.finish();
        }
    }
}
