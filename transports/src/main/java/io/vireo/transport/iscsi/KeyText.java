package io.vireo.transport.iscsi;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The text of login and text PDUs (RFC 7143, 6.1): pairs of key and value, each ended by NUL. */
final class KeyText {
    /** Most bytes of one text, over all PDUs that it comes in. */
    static final int MAX_TEXT = 64 << 10;

    /** Longest value that is not told to be longer elsewhere: the largest of those, CHAP's. */
    static final int MAX_VALUE = 8192;

    private static final int MAX_PAIRS = 64;
    private static final Pattern KEY = Pattern.compile("[A-Z][A-Za-z0-9.+@_#-]{0,62}");

    /**
     * One of them.
     *
     * @param key its name
     * @param value what it says, or is answered
     */
    record Pair(String key, String value) {}

    private KeyText() {}

    /**
     * Reads a text.
     *
     * @throws LoginException INITIATOR_ERROR if it is none
     */
    static List<Pair> parse(byte[] text) throws LoginException {
        var pairs = new ArrayList<Pair>();
        int at = 0;
        while (at < text.length) {
            int end = at;
            while (end < text.length && text[end] != 0) {
                end++;
            }
            if (end == text.length) {
                throw malformed("the last key does not end with NUL");
            }
            if (end > at) {
                pairs.add(pair(new String(text, at, end - at, StandardCharsets.UTF_8)));
            }
            if (pairs.size() > MAX_PAIRS) {
                throw malformed("there are more than " + MAX_PAIRS + " keys");
            }
            at = end + 1;
        }
        return pairs;
    }

    private static Pair pair(String text) throws LoginException {
        int equals = text.indexOf('=');
        if (equals < 0 || !KEY.matcher(text.substring(0, equals)).matches()) {
            throw malformed("a key has the form Name=value");
        }
        if (text.length() - equals - 1 > MAX_VALUE) {
            throw malformed("a value has more than " + MAX_VALUE + " bytes");
        }
        return new Pair(text.substring(0, equals), text.substring(equals + 1));
    }

    private static LoginException malformed(String why) {
        return new LoginException(LoginException.INITIATOR_ERROR, why);
    }

    /** Writes a text. */
    static byte[] format(List<Pair> pairs) {
        var out = new ByteArrayOutputStream();
        for (Pair pair : pairs) {
            out.writeBytes((pair.key() + "=" + pair.value()).getBytes(StandardCharsets.UTF_8));
            out.write(0);
        }
        return out.toByteArray();
    }
}
