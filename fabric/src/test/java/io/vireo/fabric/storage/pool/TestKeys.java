package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.crypto.MasterKey;
import io.vireo.fabric.storage.crypto.MasterKeys;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Master keys of tests: 32 times the same byte. */
record TestKeys(int now, Optional<Integer> before) implements MasterKeys {
    TestKeys(int now) {
        this(now, Optional.empty());
    }

    private static MasterKey key(int each) {
        return MasterKey.parse(
                "key" + each,
                "%02x".formatted(each).repeat(32).getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public MasterKey current() {
        return key(now);
    }

    @Override
    public Optional<MasterKey> previous() {
        return before.map(TestKeys::key);
    }
}
