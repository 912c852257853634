package io.vireo.fabric.l2.packet;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class SecretHashTest {
    private static final long STATION = 0x0200_0000_0001L;

    /** Loads a class once more, as another daemon does. */
    private static final class Another extends ClassLoader {
        Class<?> load(Class<?> known) throws IOException {
            try (InputStream code = known.getResourceAsStream(known.getSimpleName() + ".class")) {
                byte[] bytes = Objects.requireNonNull(code).readAllBytes();
                return defineClass(known.getName(), bytes, 0, bytes.length);
            }
        }
    }

    /** Whoever knows where addresses go in one daemon does not know it of another. */
    @Test
    void eachDaemonHasItsOwn() throws Exception {
        var other = new Another().load(SecretHash.class).getMethod("of", long.class);
        assertThat(SecretHash.of(STATION)).isEqualTo(SecretHash.of(STATION));
        assertThat(other.invoke(null, STATION)).isNotEqualTo(SecretHash.of(STATION));
    }
}
