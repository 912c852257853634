package io.vireo.fabric.storage.qos;

/**
 * What a {@link DiskQosPolicy} asks for.
 *
 * @param read of READ requests
 * @param write of all others
 * @param total of all requests
 * @param shares of the pool that a vDisk gets when the pool is busy, relative to the other vDisks',
 *     1 to 10000
 * @param reservation units per second of the pool that a vDisk, or a user of vDisks, has whatever
 *     others do; 0: none
 */
public record DiskQosSettings(Rates read, Rates write, Rates total, int shares, long reservation) {
    /** Shares of a vDisk that has no policy. */
    public static final int SHARES = 100;

    /** No policy. */
    public static final DiskQosSettings NONE =
            new DiskQosSettings(Rates.ANY, Rates.ANY, Rates.ANY, SHARES, 0);

    /** Whether any rate is bounded. */
    public boolean limited() {
        return read.limited() || write.limited() || total.limited();
    }

    /**
     * Bounds of one kind of requests.
     *
     * @param iops requests per second; 0: any
     * @param iopsBurst requests that may pass at once after a pause
     * @param bandwidth bytes per second; 0: any
     * @param bandwidthBurst bytes that may pass at once after a pause
     */
    public record Rates(long iops, long iopsBurst, long bandwidth, long bandwidthBurst) {
        /** No bounds. */
        public static final Rates ANY = new Rates(0, 0, 0, 0);

        boolean limited() {
            return iops != 0 || bandwidth != 0;
        }
    }
}
