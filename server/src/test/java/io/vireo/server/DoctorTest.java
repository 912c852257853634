package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.server.Doctor.Grade;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class DoctorTest {
    @Test
    void saysWhetherVdisksCanBeEncrypted() {
        var out = new StringWriter();
        new CommandLine(new Doctor()).setOut(new PrintWriter(out)).execute();
        assertThat(out.toString()).containsPattern("(?m)^ok +libcrypto +encrypts vDisks$");
    }

    @Test
    void saysWhatToInstallForEncryption() {
        Doctor.Finding finding = Doctor.encryption(false);
        assertThat(finding.grade()).isEqualTo(Grade.WARNING);
        assertThat(finding.fact()).contains("libcrypto.so.3");
        assertThat(finding.remedy()).contains("libssl3", "openssl-libs");
    }
}
