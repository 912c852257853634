package io.vireo.transport.iscsi;

import io.vireo.scsi.ScsiInitiator;
import io.vireo.transport.iscsi.KeyText.Pair;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The target's side of one login (RFC 7143, 6.3), from the first request to the full-feature phase
 * or a refusal. It knows no socket: a request goes in, a response comes out.
 */
final class LoginMachine {
    static final int SECURITY = 0;
    static final int OPERATIONAL = 1;
    static final int FULL_FEATURE = 3;

    private static final int MAX_REQUESTS = 64;
    private static final Predicate<String> NAME =
            Pattern.compile("(iqn\\.[0-9]{4}-[0-9]{2}\\.|eui\\.|naa\\.)[-a-z0-9.:_]+")
                    .asMatchPredicate();

    /**
     * What a login led to.
     *
     * @param discovery whether it is a discovery session
     * @param initiator iSCSI name
     * @param isid the first six bytes of the session identifier
     * @param target what it wants; empty for discovery
     * @param parameters what was negotiated
     */
    record Outcome(
            boolean discovery,
            String initiator,
            long isid,
            Optional<LoginDirectory.Entry> target,
            SessionParameters parameters) {}

    private final LoginDirectory directory;
    private final Negotiator negotiator = new Negotiator();
    private final ByteArrayOutputStream text = new ByteArrayOutputStream();

    private boolean begun;
    private int requests;
    private int stage;
    private long isid;
    private int cid;
    private int itt;
    private String initiator = "";
    private boolean discovery;
    private Optional<LoginDirectory.Entry> target = Optional.empty();
    private Authentication authentication = Authentication.NONE;
    private @Nullable ChapExchange chap;
    private boolean methodAgreed;
    private @Nullable Outcome outcome;

    LoginMachine(LoginDirectory directory) {
        this.directory = directory;
    }

    /** Who logs in, as far as it said so; empty before that. */
    String initiator() {
        return initiator;
    }

    /** The result, once a response has the T bit and the next stage is full feature. */
    Optional<Outcome> outcome() {
        return Optional.ofNullable(outcome);
    }

    /**
     * Takes a request and gives the response, without its sequence numbers and its TSIH.
     *
     * @throws LoginException with the status of the response that is to be sent instead
     */
    HeapPdu request(HeapPdu request) throws LoginException {
        if (request.opcode() != Pdu.LOGIN_REQUEST) {
            throw invalid("a login consists of login requests");
        }
        if (++requests > MAX_REQUESTS) {
            throw invalid("it does not come to an end");
        }
        int flags = request.u8(Pdu.FLAGS);
        boolean transit = (flags & Pdu.FINAL) != 0;
        boolean more = (flags & Pdu.CONTINUE) != 0;
        int current = flags >> 2 & 3;
        int next = flags & 3;
        checkHeader(request, current);
        checkStages(transit, more, current, next);
        stage = current;
        text.writeBytes(request.data());
        if (text.size() > KeyText.MAX_TEXT) {
            throw new LoginException(
                    LoginException.OUT_OF_RESOURCES,
                    "its text is longer than " + KeyText.MAX_TEXT + " bytes");
        }
        if (more) {
            return response(false, next, List.of());
        }
        List<Pair> pairs = KeyText.parse(text.toByteArray());
        text.reset();
        List<Pair> answers = answer(pairs);
        boolean over = transit && mayLeave(next);
        if (over && next == FULL_FEATURE) {
            outcome = new Outcome(discovery, initiator, isid, target, negotiator.parameters());
        }
        if (over) {
            stage = next;
            return response(true, current, next, answers);
        }
        return response(false, next, answers);
    }

    private void checkHeader(HeapPdu request, int current) throws LoginException {
        if (!request.immediate()) {
            throw invalid("a login request is immediate");
        }
        long requestIsid = request.header().getLong(Pdu.ISID) >>> 16;
        if (!begun) {
            begun = true;
            if (request.u8(3) > 0) {
                throw new LoginException(
                        LoginException.UNSUPPORTED_VERSION, "it speaks later versions only");
            }
            isid = requestIsid;
            cid = request.u16(Pdu.CID);
            itt = request.integer(Pdu.ITT);
            stage = current;
            checkSession(request.u16(Pdu.TSIH));
        } else if (requestIsid != isid
                || request.u16(Pdu.CID) != cid
                || request.integer(Pdu.ITT) != itt) {
            throw invalid("the session, connection and task of a login do not change");
        }
    }

    private static void checkSession(int tsih) throws LoginException {
        if (tsih != 0) {
            // One connection each, and none is taken up again: error recovery level 0.
            throw new LoginException(
                    LoginException.SESSION_DOES_NOT_EXIST,
                    "a session has one connection, which cannot be taken up again: log in anew");
        }
    }

    private void checkStages(boolean transit, boolean more, int current, int next)
            throws LoginException {
        if (current > OPERATIONAL || current != stage) {
            throw invalid("stage " + current + " is not the current one");
        }
        if (more && transit) {
            throw invalid("a text that goes on does not end a stage");
        }
        if (transit && (next <= current || next == 2)) {
            throw invalid("from stage " + current + " it cannot go on to " + next);
        }
    }

    private List<Pair> answer(List<Pair> pairs) throws LoginException {
        var answers = new ArrayList<Pair>();
        Map<TextKey, String> security = new EnumMap<>(TextKey.class);
        Map<TextKey, String> identity = new EnumMap<>(TextKey.class);
        Map<TextKey, String> operational = new EnumMap<>(TextKey.class);
        for (Pair pair : pairs) {
            Optional<TextKey> key = TextKey.of(pair.key());
            if (key.isEmpty()) {
                answers.add(new Pair(pair.key(), TextKey.NOT_UNDERSTOOD));
                continue;
            }
            Map<TextKey, String> group =
                    switch (key.get().phase()) {
                        case IDENTITY -> identity;
                        case SECURITY -> security;
                        case OPERATIONAL, OPERATIONAL_NORMAL -> operational;
                    };
            if (group.put(key.get(), pair.value()) != null) {
                throw new LoginException(
                        LoginException.INITIATOR_ERROR, pair.key() + " comes twice");
            }
        }
        if (initiator.isEmpty()) {
            identify(identity, answers);
        } else if (!identity.isEmpty()) {
            throw new LoginException(
                    LoginException.INITIATOR_ERROR, "who logs in is said once, at the beginning");
        }
        if (stage == SECURITY) {
            secure(security, answers);
        } else if (!security.isEmpty()) {
            throw invalid("security is negotiated in its stage");
        }
        if (!operational.isEmpty() || stage == OPERATIONAL) {
            negotiate(operational, answers);
        }
        return answers;
    }

    private void identify(Map<TextKey, String> keys, List<Pair> answers) throws LoginException {
        String name = required(keys, TextKey.INITIATOR_NAME).toLowerCase(Locale.ROOT);
        if (name.length() > ScsiInitiator.Iscsi.MAX_NAME || !NAME.test(name)) {
            throw new LoginException(
                    LoginException.INITIATOR_ERROR, "InitiatorName is not an iSCSI name");
        }
        initiator = name;
        String type = keys.getOrDefault(TextKey.SESSION_TYPE, "Normal");
        switch (type) {
            case "Normal" ->
                    findTarget(
                            required(keys, TextKey.TARGET_NAME).toLowerCase(Locale.ROOT), answers);
            case "Discovery" -> {
                discovery = true;
                negotiator.discovery();
                authentication = directory.discovery();
            }
            default ->
                    throw new LoginException(
                            LoginException.SESSION_TYPE_NOT_SUPPORTED,
                            "a session is Normal or Discovery");
        }
        if (stage == OPERATIONAL && authentication.initiator().isPresent()) {
            throw new LoginException(
                    LoginException.AUTHENTICATION_FAILURE, "it skips the authentication");
        }
    }

    private void findTarget(String name, List<Pair> answers) throws LoginException {
        LoginDirectory.Entry found =
                directory
                        .target(name)
                        .orElseThrow(() ->
                                new LoginException(
                                        LoginException.NOT_FOUND,
                                        "there is no target " + name + " at this portal"));
        if (!found.admits(initiator)) {
            // As if there were none: whoever may not log in does not learn the names of targets,
            // no more than in discovery.
            throw new LoginException(
                    LoginException.NOT_FOUND,
                    initiator + " is not among the initiators of " + name);
        }
        if (found.movedTo().isPresent()) {
            throw new LoginException(
                    LoginException.MOVED_TEMPORARILY,
                    name + " is at " + found.movedTo().get(),
                    "TargetAddress=" + found.movedTo().get());
        }
        target = Optional.of(found);
        authentication = found.authentication();
        answers.add(new Pair("TargetPortalGroupTag", Integer.toString(directory.portalGroup())));
    }

    private void secure(Map<TextKey, String> keys, List<Pair> answers) throws LoginException {
        String methods = keys.remove(TextKey.AUTH_METHOD);
        if (methods != null) {
            if (methodAgreed) {
                throw new LoginException(
                        LoginException.INITIATOR_ERROR, "AuthMethod is negotiated twice");
            }
            answers.add(new Pair(TextKey.AUTH_METHOD.text(), method(methods)));
            methodAgreed = true;
        }
        if (keys.isEmpty()) {
            return;
        }
        if (chap == null) {
            throw new LoginException(
                    LoginException.AUTHENTICATION_FAILURE, "CHAP was not agreed on");
        }
        answers.addAll(chap.answer(keys));
    }

    private String method(String offers) throws LoginException {
        List<String> offered = List.of(offers.split(",", -1));
        Optional<Credential> expected = authentication.initiator();
        if (expected.isPresent()) {
            if (offered.contains("CHAP")) {
                chap = new ChapExchange(authentication, expected.get());
                return "CHAP";
            }
            throw new LoginException(
                    LoginException.AUTHENTICATION_FAILURE, "it offers no CHAP, which is needed");
        }
        if (!offered.contains("None")) {
            throw new LoginException(
                    LoginException.AUTHENTICATION_FAILURE,
                    "it insists on an authentication, and none is configured");
        }
        return "None";
    }

    private void negotiate(Map<TextKey, String> keys, List<Pair> answers) throws LoginException {
        if (stage != OPERATIONAL && !keys.isEmpty()) {
            throw invalid("operational parameters are negotiated in their stage");
        }
        for (var entry : keys.entrySet()) {
            negotiator.offer(entry.getKey(), entry.getValue()).ifPresent(answers::add);
        }
        answers.addAll(negotiator.declarations());
    }

    /** Whether the stage has come to its end for us, too. */
    private boolean mayLeave(int next) throws LoginException {
        if (stage == OPERATIONAL || authentication.initiator().isEmpty()) {
            return true;
        }
        boolean proven = chap != null && chap.done();
        if (!proven && next == FULL_FEATURE && chap == null) {
            throw new LoginException(
                    LoginException.AUTHENTICATION_FAILURE, "it skips the authentication");
        }
        return proven;
    }

    private static String required(Map<TextKey, String> keys, TextKey key) throws LoginException {
        String value = keys.get(key);
        if (value == null || value.isEmpty()) {
            throw new LoginException(LoginException.MISSING_PARAMETER, "there is no " + key.text());
        }
        return value;
    }

    private HeapPdu response(boolean transit, int next, List<Pair> answers) {
        return response(transit, stage, transit ? next : 0, answers);
    }

    private HeapPdu response(boolean transit, int current, int next, List<Pair> answers) {
        int flags = (transit ? Pdu.FINAL : 0) | current << 2 | next;
        HeapPdu response = HeapPdu.of(Pdu.LOGIN_RESPONSE, flags, KeyText.format(answers));
        return address(response);
    }

    /** The response that refuses a login. */
    HeapPdu refusal(LoginException why) {
        byte[] data =
                why.answer().isEmpty()
                        ? new byte[0]
                        : (why.answer() + "\0").getBytes(java.nio.charset.StandardCharsets.UTF_8);
        int flags = stage << 2;
        return address(HeapPdu.of(Pdu.LOGIN_RESPONSE, flags, data))
                .put16(Pdu.LOGIN_STATUS, why.status());
    }

    private HeapPdu address(HeapPdu response) {
        response.header().putLong(Pdu.ISID, isid << 16);
        return response.put(Pdu.ITT, itt);
    }

    private static LoginException invalid(String why) {
        return new LoginException(LoginException.INVALID_REQUEST, why);
    }
}
