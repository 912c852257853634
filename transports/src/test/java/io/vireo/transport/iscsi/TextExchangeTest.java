package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Texts that come in pieces, and what is kept of them. */
class TextExchangeTest {
    private static final int TASK = 7;
    private static final int MOST = 8192;
    private static final byte[] NOTHING = {};

    private final TextExchange texts =
            new TextExchange(
                    () ->
                            List.of(
                                    new SendTargets.Found(
                                            "iqn.2026-11.io.vireo:target",
                                            List.of("192.0.2.1:3260,1"))),
                    Optional.empty());

    private HeapPdu ask(int flags, int tag, byte[] data) throws LoginException {
        HeapPdu request = HeapPdu.of(Pdu.TEXT_REQUEST, flags, data);
        return texts.request(request.put(Pdu.ITT, TASK).put(Pdu.TTT, tag), MOST);
    }

    private void assertRefused(int flags, int tag, byte[] data, String why) {
        assertThatThrownBy(() -> ask(flags, tag, data))
                .isInstanceOf(LoginException.class)
                .hasMessageContaining(why);
    }

    private static byte[] text(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String text(HeapPdu pdu) {
        return new String(pdu.data(), StandardCharsets.UTF_8);
    }

    @Test
    void aQuestionInPiecesIsAnsweredWhenItIsWhole() throws LoginException {
        HeapPdu more = ask(Pdu.CONTINUE, Pdu.NO_TAG, text("SendTar"));
        assertThat(more.data()).isEmpty();
        int tag = more.integer(Pdu.TTT);
        assertThat(tag).isNotEqualTo(Pdu.NO_TAG);
        // Nothing at all, and that it goes on.
        for (int i = 0; i < 1000; i++) {
            tag = ask(Pdu.CONTINUE, tag, NOTHING).integer(Pdu.TTT);
        }
        HeapPdu answer = ask(Pdu.FINAL, tag, text("gets=All\0"));
        assertThat(text(answer))
                .isEqualTo(
                        "TargetName=iqn.2026-11.io.vireo:target\0TargetAddress=192.0.2.1:3260,1\0");
        assertThat(answer.integer(Pdu.TTT)).isEqualTo(Pdu.NO_TAG);
        assertRefused(Pdu.FINAL, tag, text("SendTargets=All\0"), "no text exchange");
    }

    /** Of what goes on behind the end of what is taken, nothing is kept: it would never end. */
    @Test
    void aTextThatIsTooLongIsForgottenWithItsExchange() throws LoginException {
        int tag = ask(Pdu.CONTINUE, Pdu.NO_TAG, text("A=")).integer(Pdu.TTT);
        byte[] piece = new byte[Negotiator.MAX_SEGMENT];
        assertRefused(Pdu.CONTINUE, tag, piece, "longer than 65536 bytes");
        for (int i = 0; i < 2 * (Integer.MAX_VALUE / piece.length); i++) {
            assertRefused(Pdu.CONTINUE, tag, piece, "no text exchange");
        }
        assertThat(text(ask(Pdu.FINAL, Pdu.NO_TAG, text("A=b\0")))).isEqualTo("A=NotUnderstood\0");
    }

    @Test
    void aTextThatIsWrongEndsItsExchange() throws LoginException {
        int tag = ask(Pdu.CONTINUE, Pdu.NO_TAG, text("no equals sign\0")).integer(Pdu.TTT);
        assertRefused(Pdu.FINAL, tag, NOTHING, "Name=value");
        assertRefused(Pdu.FINAL, tag, text("SendTargets=All\0"), "no text exchange");
        assertRefused(
                Pdu.FINAL | Pdu.CONTINUE, Pdu.NO_TAG, text("A=b\0"), "goes on is not the last one");
    }

    /** Each would be answered by all targets. */
    @Test
    void aKeyComesOnce() {
        assertRefused(
                Pdu.FINAL,
                Pdu.NO_TAG,
                text("SendTargets=All\0SendTargets=All\0"),
                "SendTargets comes twice");
    }

    @Test
    void keysOfExtensionsAreNotUnderstood() throws LoginException {
        assertThat(text(ask(Pdu.FINAL, Pdu.NO_TAG, text("X#NodeArchitecture=x\0"))))
                .isEqualTo("X#NodeArchitecture=NotUnderstood\0");
    }
}
