package io.vireo.adapter.nulldev;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.FormattedDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;

/** Forgets what is written and does not answer what is read. */
public final class NullBlockDevice extends FormattedDevice {
    public NullBlockDevice(VolumeFormat format) {
        super(format);
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        var channel = new Channel();
        meters.add(channel.meter);
        return channel;
    }

    private final class Channel implements BlockChannel {
        private static final int DEPTH = 256;

        private final BlockMeter meter = new BlockMeter();

        @Override
        public int free() {
            return DEPTH;
        }

        @Override
        public void submit(BlockRequest request) {
            meter.count(request, BlockStatus.OK);
            request.complete(BlockStatus.OK);
        }

        @Override
        public void cancel(int tag) {
            // Nothing is ever in flight.
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public int inFlight() {
            return 0;
        }

        @Override
        public void onReady(Runnable wake) {
            // Nothing is ever waited for.
        }

        @Override
        public boolean arm() {
            return true;
        }

        @Override
        public void disarm() {
            // Nothing was armed.
        }

        @Override
        public void close(Runnable onClosed) {
            meters.close(meter);
            onClosed.run();
        }
    }
}
