package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretFilesTest {
    @TempDir Path directory;

    private void write(String name, String content, String permissions) throws IOException {
        Path file = Files.writeString(directory.resolve(name), content);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    @Test
    void aSecretIsTheContentOfItsFile() throws IOException {
        write("web1", "a secret of web1\n", "rw-------");
        assertThat(new SecretFiles(directory).secret("web1"))
                .asString()
                .isEqualTo("a secret of web1");
    }

    @Test
    void messagesNameTheFile() {
        assertThat(new SecretFiles(directory).describe("web1"))
                .isEqualTo("the secret web1 (" + directory.resolve("web1") + ")");
    }

    @Test
    void aContentThatHasChangedCountsFromTheNextUseOn() throws IOException {
        var secrets = new SecretFiles(directory);
        write("web1", "the old secret", "rw-------");
        assertThat(secrets.secret("web1")).asString().isEqualTo("the old secret");
        write("web1", "the new secret", "rw-------");
        assertThat(secrets.secret("web1")).asString().isEqualTo("the new secret");
        Files.delete(directory.resolve("web1"));
        assertThatThrownBy(() -> secrets.secret("web1"))
                .hasMessageContaining(directory.resolve("web1").toString());
    }

    @Test
    void whatOthersCanReadIsNone() throws IOException {
        write("open", "everybody knows it", "rw-r-----");
        refused("open", ErrorCode.PERMISSION_DENIED, "chmod 600");
    }

    @Test
    void onlyFilesOfTheDirectoryAreSecrets() throws IOException {
        Files.createSymbolicLink(directory.resolve("link"), Path.of("/etc/hostname"));
        refused("link", ErrorCode.UNAVAILABLE, "there is no secret link");
        refused("absent", ErrorCode.UNAVAILABLE, "put it into the file");
        refused("../secrets", ErrorCode.INVALID, "no name of a secret");
        write("long", "x".repeat(5000), "rw-------");
        refused("long", ErrorCode.INVALID, "longer than");
    }

    private void refused(String name, ErrorCode code, String message) {
        assertThatThrownBy(() -> new SecretFiles(directory).secret(name))
                .isInstanceOfSatisfying(
                        ResourceException.class, e -> assertThat(e.code()).isEqualTo(code))
                .hasMessageContaining(message);
    }
}
