package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Secrets;
import io.vireo.resource.spec.ChapSpec;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChapExchangeTest {
    private static final byte[] SECRET = "initiators-secret".getBytes(StandardCharsets.UTF_8);

    private static ChapExchange exchange(Optional<Credential> ours) {
        return new ChapExchange(new Authentication(Optional.of(Bed.USER), ours), Bed.USER);
    }

    private static Map<String, String> texts(List<KeyText.Pair> pairs) {
        return pairs.stream().collect(Collectors.toMap(KeyText.Pair::key, KeyText.Pair::value));
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.substring(2));
    }

    @Test
    void theResponseIsThatOfTheStandard() {
        // Of "secret" with identifier 1 and the challenge 0102, by md5sum.
        byte[] response =
                ChapAlgorithm.MD5.response(
                        1, "secret".getBytes(StandardCharsets.UTF_8), new byte[] {1, 2});
        assertThat(HexFormat.of().formatHex(response))
                .isEqualTo("18c6ee42cdcc2258144945ad28cad5a2");
    }

    @ParameterizedTest
    @EnumSource
    void bothSidesProveWhoTheyAre(ChapAlgorithm algorithm) throws LoginException {
        ChapExchange chap = exchange(Optional.of(Bed.OURS));
        var offer = texts(chap.answer(Map.of(TextKey.CHAP_A, "99," + algorithm.number())));
        assertThat(offer).containsEntry("CHAP_A", Integer.toString(algorithm.number()));
        byte[] response =
                algorithm.response(
                        Integer.parseInt(offer.getOrDefault("CHAP_I", "")),
                        SECRET,
                        bytes(offer.getOrDefault("CHAP_C", "")));
        byte[] challenge = {1, 2, 3, 4};
        var proof =
                texts(
                        chap.answer(
                                Map.of(
                                        TextKey.CHAP_N, "user",
                                        TextKey.CHAP_R, NumericValue.hex(response),
                                        TextKey.CHAP_I, "77",
                                        TextKey.CHAP_C, "0bAQIDBA==")));
        assertThat(chap.done()).isTrue();
        byte[] theirs = "the-targets-secret".getBytes(StandardCharsets.UTF_8);
        assertThat(proof)
                .containsEntry("CHAP_N", "target")
                .containsEntry(
                        "CHAP_R", NumericValue.hex(algorithm.response(77, theirs, challenge)));
    }

    @Test
    void ourChallengeGivenBackIsRefused() throws LoginException {
        ChapExchange chap = exchange(Optional.of(Bed.OURS));
        var offer = texts(chap.answer(Map.of(TextKey.CHAP_A, "5")));
        byte[] response =
                ChapAlgorithm.MD5.response(
                        Integer.parseInt(offer.getOrDefault("CHAP_I", "")),
                        SECRET,
                        bytes(offer.getOrDefault("CHAP_C", "")));
        refused(
                chap,
                Map.of(
                        TextKey.CHAP_N, "user",
                        TextKey.CHAP_R, NumericValue.hex(response),
                        TextKey.CHAP_I, offer.getOrDefault("CHAP_I", ""),
                        TextKey.CHAP_C, offer.getOrDefault("CHAP_C", "")));
    }

    @Test
    void oneSecretForBothDirectionsIsRefused() throws LoginException {
        ChapExchange chap =
                exchange(Optional.of(new Credential("target", "the secret x", () -> SECRET)));
        var offer = texts(chap.answer(Map.of(TextKey.CHAP_A, "7")));
        byte[] response =
                ChapAlgorithm.SHA_256.response(
                        Integer.parseInt(offer.getOrDefault("CHAP_I", "")),
                        SECRET,
                        bytes(offer.getOrDefault("CHAP_C", "")));
        refused(
                chap,
                Map.of(
                        TextKey.CHAP_N, "user",
                        TextKey.CHAP_R, NumericValue.hex(response),
                        TextKey.CHAP_I, "1",
                        TextKey.CHAP_C, "0x0102"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0x0",
                "0x00112233445566778899aabbccddeeff",
                "0x",
                "0b!!!",
                "0xzz",
                "",
                "17",
                "0b"
            })
    void wrongResponsesAreRefused(String response) throws LoginException {
        ChapExchange chap = exchange(Optional.empty());
        var _ = chap.answer(Map.of(TextKey.CHAP_A, "5"));
        refused(chap, Map.of(TextKey.CHAP_N, "user", TextKey.CHAP_R, response));
        assertThat(chap.done()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"4", "", "5x", "MD5", ",,,"})
    void unknownAlgorithmsAreRefused(String list) {
        refused(exchange(Optional.empty()), Map.of(TextKey.CHAP_A, list));
    }

    @Test
    void aResponseWithoutAChallengeIsRefused() {
        refused(
                exchange(Optional.empty()),
                Map.of(
                        TextKey.CHAP_N,
                        "user",
                        TextKey.CHAP_R,
                        "0x00112233445566778899aabbccddeeff"));
    }

    private static void refused(ChapExchange chap, Map<TextKey, String> keys) {
        assertThatThrownBy(() -> chap.answer(keys))
                .isInstanceOfSatisfying(
                        LoginException.class,
                        e ->
                                assertThat(e.status())
                                        .isEqualTo(LoginException.AUTHENTICATION_FAILURE));
    }

    @Test
    void aSecretThatIsGoneIsOurError() throws LoginException {
        var gone =
                new Credential(
                        "user",
                        "the secret x",
                        () -> {
                            throw new ResourceException(ErrorCode.UNAVAILABLE, "it is gone");
                        });
        var chap = new ChapExchange(new Authentication(Optional.of(gone), Optional.empty()), gone);
        var _ = chap.answer(Map.of(TextKey.CHAP_A, "5"));
        assertThatThrownBy(
                        () -> chap.answer(Map.of(TextKey.CHAP_N, "user", TextKey.CHAP_R, "0x00")))
                .isInstanceOfSatisfying(
                        LoginException.class,
                        e -> assertThat(e.status()).isEqualTo(LoginException.TARGET_ERROR));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 11, 256})
    void aSecretOfAnotherLengthIsNamedWithItsPlace(int length) throws LoginException {
        String place = "the secret web1 (/var/lib/vireo/secrets/web1)";
        String message =
                place + ", of the CHAP user user, has " + length + " bytes; CHAP needs 12 to 255";
        var changed = new Credential("user", place, () -> new byte[length]);
        var chap =
                new ChapExchange(
                        new Authentication(Optional.of(changed), Optional.empty()), changed);
        var _ = chap.answer(Map.of(TextKey.CHAP_A, "5"));
        assertThatThrownBy(
                        () -> chap.answer(Map.of(TextKey.CHAP_N, "user", TextKey.CHAP_R, "0x00")))
                .isInstanceOf(LoginException.class)
                .hasMessage(message);
        var spec = new ChapSpec("user", "web1", Optional.empty(), Optional.empty());
        var secrets =
                new Secrets() {
                    @Override
                    public byte[] secret(String name) {
                        return new byte[length];
                    }

                    @Override
                    public String describe(String name) {
                        return place;
                    }
                };
        assertThatThrownBy(() -> Chaps.authentication(Optional.of(spec), secrets))
                .isInstanceOf(ResourceException.class)
                .hasMessage(message);
    }
}
