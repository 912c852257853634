package io.vireo.fabric.storage.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.memory.OwnMemory;
import io.vireo.resource.ResourceException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class MasterKeyTest {
    private static final String ONE = "0f".repeat(32);
    private static final String OTHER = "A5".repeat(32);

    /** RFC 3394, section 4.6. */
    @Test
    void theVectorOfTheRfc() {
        byte[] wrapped =
                HexFormat.of()
                        .parseHex(
                                "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
        try (var key =
                MasterKey.ofHex(
                        "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F")) {
            assertThat(key.unwrap(new WrappedKey(wrapped)).orElseThrow())
                    .isEqualTo(
                            HexFormat.of()
                                    .parseHex(
                                            "00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"));
        }
    }

    @Test
    void anotherKeyIsNoticed() {
        try (var one = MasterKey.ofHex(ONE);
                var other = MasterKey.ofHex(OTHER)) {
            WrappedKey wrapped = one.newDataKey();
            assertThat(one.opens(wrapped)).isTrue();
            assertThat(other.opens(wrapped)).isFalse();
            assertThat(VolumeCipher.of(other, wrapped, 512)).isEmpty();
            WrappedKey moved = one.rewrap(wrapped, other).orElseThrow();
            assertThat(moved).isNotEqualTo(wrapped);
            assertThat(other.unwrap(moved).orElseThrow())
                    .isEqualTo(one.unwrap(wrapped).orElseThrow());
            assertThat(one.newDataKey()).isNotEqualTo(wrapped);
        }
    }

    @Test
    void aSecretThatIsNoKeyIsNotRepeated() {
        byte[] secret = "correct horse battery staple".getBytes(StandardCharsets.US_ASCII);
        assertThatThrownBy(() -> MasterKey.parse("pool-key", secret))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("pool-key")
                .hasMessageContaining("openssl rand -hex 32")
                .hasMessageNotContaining("horse");
        assertThat(secret).containsOnly(0);
        assertThatThrownBy(() ->
                        MasterKey.parse("k", "g".repeat(64).getBytes(StandardCharsets.US_ASCII)))
                .isInstanceOf(ResourceException.class);
    }

    @Test
    void whatIsOnDiskComesBack() {
        try (var key = MasterKey.ofHex(ONE);
                var memory = OwnMemory.allocate(WrappedKey.BYTES)) {
            WrappedKey wrapped = key.newDataKey();
            assertThat(WrappedKey.isKnown(memory.address())).isFalse();
            wrapped.encode(memory.address());
            assertThat(WrappedKey.isKnown(memory.address())).isTrue();
            assertThat(WrappedKey.decode(memory.address())).isEqualTo(wrapped);
            assertThat(wrapped.toString()).doesNotContain("0");
        }
    }
}
