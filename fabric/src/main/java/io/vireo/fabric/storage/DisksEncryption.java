package io.vireo.fabric.storage;

import io.vireo.block.PoolEncryption;
import io.vireo.fabric.storage.pool.KeyStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.resource.ResourceException;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** The master keys of a pool on disks, as its spec names them. */
final class DisksEncryption {
    private static final System.Logger LOG = System.getLogger(DisksEncryption.class.getName());

    private final StoragePool pool;
    private final Supplier<List<VolumeInfo>> seen;
    private volatile Optional<SecretMasterKeys> keys = Optional.empty();
    private volatile String note = "";

    /**
     * @param seen the volumes as they were seen last, without waiting
     */
    DisksEncryption(StoragePool pool, Supplier<List<VolumeInfo>> seen) {
        this.pool = pool;
        this.seen = seen;
    }

    /** Which new vDisks are encrypted. */
    PoolEncryption which() {
        return keys.map(each ->
                        each.spec().byDefault()
                                ? PoolEncryption.BY_DEFAULT
                                : PoolEncryption.ON_REQUEST)
                .orElse(PoolEncryption.NONE);
    }

    /**
     * Names the master keys from now on; what the previous one has wrapped is wrapped by the
     * current one. A key that cannot be had keeps encrypted vDisks away, and nothing else.
     *
     * @throws IllegalArgumentException if no key is named any more, and there are encrypted vDisks
     */
    void use(Optional<SecretMasterKeys> masters) {
        if (masters.isPresent()) {
            pool.keys(masters.get());
            note = wrapped(masters.get());
        } else {
            long encrypted = count(pool.volumes());
            if (encrypted > 0 && keys.isPresent()) {
                throw new IllegalArgumentException(
                        "the pool holds %d encrypted vDisks and snapshots, which need encryption.keySecret"
                                .formatted(encrypted));
            }
            pool.withoutKeys();
            note = "";
        }
        keys = masters;
    }

    private String wrapped(SecretMasterKeys masters) {
        try {
            KeyStatus status = pool.rewrapKeys();
            String sentence = "master key: secret " + masters.spec().keySecret();
            return status.unknown() == 0
                    ? sentence
                    : sentence
                            + "; %d vDisks and snapshots are encrypted under another one"
                                    .formatted(status.unknown());
        } catch (ResourceException e) {
            LOG.log(Level.WARNING, "encrypted vDisks of a pool cannot be used: " + e.getMessage());
            return "encrypted vDisks cannot be used: " + e.getMessage();
        }
    }

    /** What is to be said of it, for people; empty: nothing. Does not block. */
    String note() {
        long encrypted = count(seen.get());
        return note.isEmpty() && encrypted > 0
                ? "%d encrypted vDisks and snapshots, and no encryption.keySecret"
                        .formatted(encrypted)
                : note;
    }

    private static long count(List<VolumeInfo> volumes) {
        return volumes.stream().filter(VolumeInfo::encrypted).count();
    }
}
