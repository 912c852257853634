package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.OpenFiles;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Logins and discoveries that are mostly right, with one thing wrong. */
class HostileLoginTest {
    private static final Authentication CHAP =
            new Authentication(Optional.of(Bed.USER), Optional.of(Bed.OURS));

    private final Bed open = new Bed();
    private final Bed guarded = new Bed(CHAP, 16 << 20);

    @AfterEach
    void close() throws Exception {
        for (Bed bed : List.of(open, guarded)) {
            bed.awaitNoSession();
            assertThat(bed.bugs()).isZero();
            bed.close();
        }
    }

    /**
     * Whatever comes of it, nothing is left, nobody is in who does not know the secret, and others
     * log in. {@code -Dvireo.fuzz.sessions} makes it longer.
     */
    @Test
    @Tag("endurance")
    void randomMistakes() throws Exception {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("HostileLoginTest: -Dvireo.seed=" + seed);
        var random = new Random(seed);
        int rounds = Integer.getInteger("vireo.fuzz.sessions", 300);
        // What is opened once, for random numbers, is not counted.
        attempt(open, random);
        attempt(guarded, random);
        open.awaitNoSession();
        int before = OpenFiles.count();
        for (int round = 0; round < rounds; round++) {
            attempt(random.nextBoolean() ? open : guarded, random);
        }
        open.awaitNoSession();
        guarded.awaitNoSession();
        assertThat(guarded.device.opened).isEmpty();
        Eventually.until("descriptors are closed", () -> OpenFiles.count() <= before);
        open.session(Map.of()).close();
    }

    private void attempt(Bed bed, Random random) {
        try (IscsiInitiator initiator = bed.connect()) {
            logIn(initiator, bed == guarded, random);
        } catch (IOException refused) {
            // The target may close the connection at any of these.
        }
    }

    /** Sends a login, or a discovery, without waiting for answers that do not matter. */
    private static void logIn(IscsiInitiator initiator, boolean guarded, Random random)
            throws IOException {
        List<IscsiPdu> pdus = new ArrayList<>();
        String target = random.nextInt(3) == 0 ? "" : Bed.TARGET;
        Map<String, String> identity = initiator.identity(target);
        if (guarded) {
            identity.put("AuthMethod", "CHAP,None");
            initiator.send(initiator.loginRequest(0, 1, identity));
            initiator.receive();
            IscsiPdu challenge =
                    initiator.exchange(initiator.loginRequest(0, 0, Map.of("CHAP_A", "7,5")));
            pdus.add(initiator.loginRequest(0, 1, wrongProof(challenge, random)));
        } else if (random.nextBoolean()) {
            identity.put("AuthMethod", "None");
            pdus.add(initiator.loginRequest(0, 1, identity));
        } else {
            pdus.addAll(pieces(initiator.loginRequest(1, 3, identity), 0x44, random));
        }
        pdus.add(initiator.loginRequest(1, 3, parameters(random)));
        int tag = 1 + random.nextInt(3);
        List<IscsiPdu> texts =
                pieces(
                        initiator.request(0x04, 0x80).text(Map.of("SendTargets", "All")),
                        0x40,
                        random);
        // The tags of text exchanges count from one.
        texts.subList(1, texts.size()).forEach(piece -> piece.u32(20, tag));
        pdus.addAll(texts);
        pdus.add(initiator.request(0x40, 0x80));
        pdus.add(initiator.request(0x46, 0x80));
        int victim = random.nextInt(pdus.size());
        for (int i = 0; i < pdus.size(); i++) {
            byte[] bytes = initiator.encode(pdus.get(i));
            initiator.socket().getOutputStream().write(i == victim ? spoil(bytes, random) : bytes);
        }
        assertThat(initiator.finish()).isTrue();
    }

    /** The proof of somebody who does not know the secret. */
    private static Map<String, String> wrongProof(IscsiPdu challenge, Random random) {
        Map<String, String> keys = challenge.text();
        byte[] asked = HexFormat.of().parseHex(keys.getOrDefault("CHAP_C", "0x").substring(2));
        int identifier = Integer.parseInt(keys.getOrDefault("CHAP_I", "0"));
        byte[] guess = ("guess " + random.nextInt()).getBytes(StandardCharsets.UTF_8);
        byte[] response = ChapAlgorithm.SHA_256.response(identifier, guess, asked);
        return Map.of(
                "CHAP_N", "user",
                "CHAP_R", NumericValue.hex(response),
                "CHAP_I", Integer.toString(random.nextInt(300)),
                "CHAP_C", NumericValue.hex(random.nextBoolean() ? asked : guess));
    }

    private static Map<String, String> parameters(Random random) {
        List<String> numbers =
                List.of("0", "1", "512", "0x1000", "65536", "16777215", "9".repeat(30));
        List<String> words = List.of("Yes", "No", "None", "CRC32C,None", "Reject", "", "?");
        var keys = new LinkedHashMap<String, String>();
        TextKey[] all = TextKey.values();
        for (int i = random.nextInt(6); i > 0; i--) {
            List<String> values = random.nextBoolean() ? numbers : words;
            keys.put(
                    all[random.nextInt(all.length)].text(),
                    values.get(random.nextInt(values.size())));
        }
        return keys;
    }

    /** A text in one piece or in two, the first of which has these flags. */
    private static List<IscsiPdu> pieces(IscsiPdu whole, int flags, Random random) {
        byte[] text = whole.data();
        if (random.nextBoolean()) {
            return List.of(whole);
        }
        int cut = random.nextInt(text.length);
        var first = new IscsiPdu(whole.u8(0), flags);
        for (int at = 8; at < 32; at += 4) {
            first.u32(at, whole.u32(at));
        }
        first.data(Arrays.copyOf(text, cut));
        return List.of(first, whole.data(Arrays.copyOfRange(text, cut, text.length)));
    }

    private static byte[] spoil(byte[] pdu, Random random) {
        byte[] bytes = pdu.clone();
        int at = random.nextInt(2) == 0 ? random.nextInt(bytes.length) : random.nextInt(48);
        bytes[at] = (byte) random.nextInt(256);
        return random.nextInt(20) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }
}
