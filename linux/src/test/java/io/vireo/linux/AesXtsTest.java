package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What IEEE 1619-2007 says in its annex B comes out. */
class AesXtsTest {
    private static final String KEYS =
            "2718281828459045235360287471352662497757247093699959574966967627"
                    + "3141592653589793238462643383279502884197169399375105820974944592";

    /** Vectors 10 to 14: data units of 512 bytes; the first 32 of what they become. */
    @ParameterizedTest
    @CsvSource({
        "0xff, 1c3b3a102f770386e4836c99e370cf9bea00803f5e482357a4ae12d414a3e63b",
        "0xffff, 77a31251618a15e6b92d1d66dffe7b50b50bad552305ba0217a610688eff7e11",
        "0xffffff, e387aaa58ba483afa7e8eb469778317ecf4cf573aa9d4eac23f2cdf914e4e200",
        "0xffffffff, bf53d2dade78e822a4d949a9bc6766b01b06a8ef70d26748c6a7fc36d80ae4c5",
        "0xffffffffff, 64497e5a831e4a932c09be3e5393376daa599548b816031d224bbf50a818ed23"
    })
    void theStandardsVectors(String unit, String expected) {
        byte[] data = plain(512);
        long number = Long.decode(unit);
        try (var cipher = AesXts.of(HexFormat.of().parseHex(KEYS));
                var memory = NativeBuffer.allocate(512, 16)) {
            ForeignMemory.copyFromArray(data, 0, memory.address(), 512);
            cipher.encrypt(memory.address(), 512, 512, number);
            assertThat(HexFormat.of().formatHex(bytes(memory, 32))).isEqualTo(expected);
            cipher.decrypt(memory.address(), 512, 512, number);
            assertThat(bytes(memory, 512)).isEqualTo(data);
        }
    }

    @Test
    void unitsFollowEachOther() {
        byte[] data = plain(4 * 4096);
        try (var cipher = AesXts.of(HexFormat.of().parseHex(KEYS));
                var one = NativeBuffer.allocate(data.length, 16);
                var each = NativeBuffer.allocate(data.length, 16)) {
            ForeignMemory.copyFromArray(data, 0, one.address(), data.length);
            ForeignMemory.copyFromArray(data, 0, each.address(), data.length);
            cipher.encrypt(one.address(), data.length, 4096, 7);
            for (int i = 0; i < 4; i++) {
                cipher.encrypt(each.address() + i * 4096L, 4096, 4096, 7 + i);
            }
            assertThat(bytes(one, data.length)).isEqualTo(bytes(each, data.length));
            assertThat(Arrays.copyOf(bytes(one, data.length), 4096))
                    .isNotEqualTo(Arrays.copyOfRange(bytes(one, data.length), 4096, 8192));
        }
    }

    @Test
    void refusesKeysThatAreNone() {
        assertThatThrownBy(() -> AesXts.of(new byte[32]))
                .isInstanceOf(IllegalArgumentException.class);
        // IEEE 1619 needs two different keys; OpenSSL sees to that.
        assertThatThrownBy(() -> AesXts.of(new byte[64]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("libcrypto");
    }

    private static byte[] plain(int length) {
        byte[] data = new byte[length];
        for (int i = 0; i < length; i++) {
            data[i] = (byte) i;
        }
        return data;
    }

    private static byte[] bytes(NativeBuffer memory, int length) {
        byte[] bytes = new byte[length];
        ForeignMemory.copyToArray(memory.address(), bytes, 0, length);
        return bytes;
    }
}
