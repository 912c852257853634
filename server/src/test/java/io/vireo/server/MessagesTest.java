package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class MessagesTest {
    @Test
    void aCauseIsToldWhereItSaysMore() {
        assertThat(Messages.of(new IllegalStateException("no store", new IOException("locked"))))
                .isEqualTo("no store: locked");
    }

    @Test
    void aSentenceOfOursIsWholeWithoutWhatTheKernelSaid() {
        var cause = new IOException("fcntl(disk): EAGAIN (11)");
        assertThat(Messages.of(new ResourceException(ErrorCode.IN_USE, "it is locked", cause)))
                .isEqualTo("it is locked");
    }
}
