package io.vireo.fabric.storage;

import io.vireo.fabric.storage.crypto.MasterKey;
import io.vireo.fabric.storage.crypto.MasterKeys;
import io.vireo.resource.Secrets;
import io.vireo.resource.spec.EncryptionSpec;
import java.util.Optional;

/** Master keys that a pool's spec names as secrets; read when they are used. */
record SecretMasterKeys(EncryptionSpec spec, Secrets secrets) implements MasterKeys {
    @Override
    public MasterKey current() {
        return key(spec.keySecret());
    }

    @Override
    public Optional<MasterKey> previous() {
        return spec.previousKeySecret().map(this::key);
    }

    private MasterKey key(String name) {
        return MasterKey.parse(name, secrets.secret(name));
    }
}
