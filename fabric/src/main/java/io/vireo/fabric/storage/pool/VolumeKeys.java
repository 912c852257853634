package io.vireo.fabric.storage.pool;

import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.crypto.MasterKey;
import io.vireo.fabric.storage.crypto.MasterKeys;
import io.vireo.fabric.storage.crypto.VolumeCipher;
import io.vireo.fabric.storage.crypto.WrappedKey;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The keys of a pool's volumes. Control plane: any thread but the home reactor, one call at a time.
 * Master keys are fetched for each use and zeroed after it; data keys are in memory, in
 * libcrypto's, for as long as their volume is unlocked.
 */
final class VolumeKeys {
    private final Engine engine;
    private final Control control;
    private final Reactor home;
    private volatile Optional<MasterKeys> masters = Optional.empty();

    VolumeKeys(Engine engine, Control control, Reactor home) {
        this.engine = engine;
        this.control = control;
        this.home = home;
    }

    void masters(MasterKeys from) {
        masters = Optional.of(from);
        // A crash may have kept an earlier opening from it.
        home.execute(() -> {
            engine.erasure().need();
            engine.checkpointer().ask();
            engine.erasure().ask();
        });
    }

    void withoutMasters() {
        masters = Optional.empty();
    }

    private MasterKeys masters() {
        return masters.orElseThrow(() ->
                new ResourceException(
                        ErrorCode.UNAVAILABLE,
                        "the pool has encrypted vDisks, or is to have some, and names no master key: put one into a secret, and name that in the pool's spec.encryption.keySecret"));
    }

    /** A key for a new volume; none if it is not to be encrypted. */
    Optional<WrappedKey> draw(VolumeFormat format) {
        if (!format.encrypted()) {
            return Optional.empty();
        }
        VolumeCipher.checkHost();
        try (MasterKey master = masters().current()) {
            return Optional.of(master.newDataKey());
        }
    }

    void unlock(Volume volume) {
        Optional<WrappedKey> key = HomeIo.on(home, () -> begin(volume));
        if (key.isEmpty()) {
            return;
        }
        VolumeCipher cipher = cipher(volume, key.get());
        HomeIo.on(
                home,
                () -> {
                    volume.cipher = cipher;
                    volume.unlocked = 1;
                    return true;
                });
    }

    /** The key that is needed; none if nothing is. */
    private static Optional<WrappedKey> begin(Volume volume) {
        if (volume.cipher == null) {
            return volume.key;
        }
        volume.unlocked++;
        return Optional.empty();
    }

    private VolumeCipher cipher(Volume volume, WrappedKey key) {
        MasterKeys from = masters();
        try (MasterKey current = from.current()) {
            Optional<VolumeCipher> cipher = VolumeCipher.of(current, key, volume.logicalBlock);
            if (cipher.isPresent()) {
                return cipher.get();
            }
        }
        return from.previous()
                .flatMap(master -> {
                    try (master) {
                        return VolumeCipher.of(master, key, volume.logicalBlock);
                    }
                })
                .orElseThrow(() ->
                        new ResourceException(
                                ErrorCode.UNAVAILABLE,
                                "%s was encrypted under another master key than the pool's secret holds: put that key into the secret, or name its secret in the pool's spec.encryption.previousKeySecret"
                                        .formatted(volume.name)));
    }

    /** On the home reactor. */
    void lock(String name) {
        if (!control.exists(name)) {
            return;
        }
        Volume volume = control.volume(name);
        volume.unlocked = Math.max(0, volume.unlocked - 1);
        if (volume.unlocked == 0 && volume.channels == 0) {
            volume.forget();
        }
    }

    private Map<Volume, WrappedKey> keys() {
        return HomeIo.on(
                home,
                () -> {
                    var keys = new LinkedHashMap<Volume, WrappedKey>();
                    engine.volumes()
                            .all()
                            .forEach(volume -> volume.key.ifPresent(key -> keys.put(volume, key)));
                    return keys;
                });
    }

    /** What the previous master key has wrapped, wrapped by the current one. */
    Map<Volume, WrappedKey> toRewrap() {
        var found = new LinkedHashMap<Volume, WrappedKey>();
        if (masters.isEmpty()) {
            return found;
        }
        Optional<MasterKey> before = masters().previous();
        if (before.isEmpty()) {
            return found;
        }
        try (MasterKey previous = before.get();
                MasterKey current = masters().current()) {
            keys().forEach((volume, key) -> {
                if (!current.opens(key)) {
                    previous.rewrap(key, current).ifPresent(next -> found.put(volume, next));
                }
            });
        }
        return found;
    }

    KeyStatus status() {
        Map<Volume, WrappedKey> keys = keys();
        if (masters.isEmpty() || keys.isEmpty()) {
            return new KeyStatus(0, 0, keys.size());
        }
        int byCurrent = 0;
        int byPrevious = 0;
        Optional<MasterKey> before = masters().previous();
        try (MasterKey current = masters().current()) {
            for (WrappedKey key : keys.values()) {
                if (current.opens(key)) {
                    byCurrent++;
                } else if (before.filter(master -> master.opens(key)).isPresent()) {
                    byPrevious++;
                }
            }
        } finally {
            before.ifPresent(MasterKey::close);
        }
        return new KeyStatus(byCurrent, byPrevious, keys.size() - byCurrent - byPrevious);
    }
}
