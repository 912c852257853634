package io.vireo.transport.iscsi;

import io.vireo.transport.iscsi.KeyText.Pair;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Text requests in full-feature phase (RFC 7143, 11.10): questions may come in pieces, and so do
 * the answers that are longer than the initiator takes at once. One exchange at a time.
 */
final class TextExchange {
    private static final int MAX_ANSWER = 1 << 20;

    private final SendTargets directory;
    private final Optional<String> sessionTarget;
    private final ByteArrayOutputStream question = new ByteArrayOutputStream();
    private byte[] answer = {};
    private int answered;
    private int tag = Pdu.NO_TAG;
    private int task = Pdu.NO_TAG;
    private int tags;
    private OptionalInt declaredLength = OptionalInt.empty();

    /**
     * @param sessionTarget of a normal session: the only target that it may ask for
     */
    TextExchange(SendTargets directory, Optional<String> sessionTarget) {
        this.directory = directory;
        this.sessionTarget = sessionTarget;
    }

    /** The MaxRecvDataSegmentLength that the last request declared. */
    OptionalInt declaredLength() {
        return declaredLength;
    }

    /**
     * Takes a request and gives the response, without its sequence numbers.
     *
     * @param most bytes of its data segment
     * @throws LoginException if the request breaks a rule: it is to be rejected, and the exchange
     *     that it was of is over
     */
    HeapPdu request(HeapPdu request, int most) throws LoginException {
        try {
            return take(request, most);
        } catch (LoginException e) {
            begin(Pdu.NO_TAG);
            throw e;
        }
    }

    /** Forgets the exchange before. */
    private void begin(int newTask) {
        question.reset();
        answer = new byte[0];
        answered = 0;
        task = newTask;
        tag = Pdu.NO_TAG;
    }

    private HeapPdu take(HeapPdu request, int most) throws LoginException {
        declaredLength = OptionalInt.empty();
        boolean end = (request.u8(Pdu.FLAGS) & Pdu.FINAL) != 0;
        boolean more = (request.u8(Pdu.FLAGS) & Pdu.CONTINUE) != 0;
        int transfer = request.integer(Pdu.TTT);
        if (transfer == Pdu.NO_TAG) {
            begin(request.integer(Pdu.ITT));
        } else if (transfer != tag || request.integer(Pdu.ITT) != task) {
            throw refused("the target transfer tag is of no text exchange");
        }
        if (end && more) {
            throw refused("a text that goes on is not the last one");
        }
        if (question.size() + request.data().length > KeyText.MAX_TEXT) {
            throw refused("a text is longer than " + KeyText.MAX_TEXT + " bytes");
        }
        question.writeBytes(request.data());
        if (more) {
            tag = nextTag();
            return response(0, new byte[0]);
        }
        if (question.size() > 0) {
            List<Pair> pairs = KeyText.parse(question.toByteArray());
            question.reset();
            answer = KeyText.format(answers(pairs));
            answered = 0;
            if (answer.length > MAX_ANSWER) {
                throw refused("the answer is longer than " + MAX_ANSWER + " bytes");
            }
        }
        return piece(most, end);
    }

    private HeapPdu piece(int most, boolean end) {
        int length = Math.min(most, answer.length - answered);
        byte[] data = Arrays.copyOfRange(answer, answered, answered + length);
        answered += length;
        if (answered < answer.length) {
            tag = nextTag();
            return response(Pdu.CONTINUE, data);
        }
        tag = end ? Pdu.NO_TAG : nextTag();
        return response(end ? Pdu.FINAL : 0, data);
    }

    private int nextTag() {
        tags = tags + 1 & 0xFFFFFF;
        return tags;
    }

    private HeapPdu response(int flags, byte[] data) {
        return HeapPdu.of(Pdu.TEXT_RESPONSE, flags, data).put(Pdu.ITT, task).put(Pdu.TTT, tag);
    }

    private List<Pair> answers(List<Pair> pairs) throws LoginException {
        var answers = new ArrayList<Pair>();
        Set<String> seen = new HashSet<>();
        for (Pair pair : pairs) {
            if (!seen.add(pair.key())) {
                // Each SendTargets is answered by all that there is.
                throw refused(pair.key() + " comes twice");
            }
            switch (pair.key()) {
                case "SendTargets" -> answers.addAll(targets(pair.value()));
                case "MaxRecvDataSegmentLength" -> declare(pair.value(), answers);
                case "InitiatorAlias", "InitiatorName", "SessionType" -> {}
                default ->
                        answers.add(
                                new Pair(
                                        pair.key(),
                                        TextKey.of(pair.key()).isPresent()
                                                ? TextKey.REJECT
                                                : TextKey.NOT_UNDERSTOOD));
            }
        }
        return answers;
    }

    private void declare(String value, List<Pair> answers) {
        OptionalLong length = NumericValue.number(value);
        if (length.isPresent()
                && length.getAsLong() >= Negotiator.MIN_LENGTH
                && length.getAsLong() <= Negotiator.MAX_LENGTH) {
            declaredLength = OptionalInt.of((int) length.getAsLong());
        } else {
            answers.add(new Pair("MaxRecvDataSegmentLength", TextKey.REJECT));
        }
    }

    private List<Pair> targets(String which) {
        if (which.equals("All")) {
            return sessionTarget.isPresent()
                    ? List.of(new Pair("SendTargets", TextKey.REJECT))
                    : SendTargets.answer(directory.targets());
        }
        Optional<String> name =
                which.isEmpty() ? sessionTarget : Optional.of(which.toLowerCase(Locale.ROOT));
        if (name.isEmpty()) {
            return List.of(new Pair("SendTargets", TextKey.REJECT));
        }
        if (sessionTarget.isPresent() && !sessionTarget.equals(name)) {
            return List.of();
        }
        return SendTargets.answer(
                directory.targets().stream()
                        .filter(target -> target.name().equals(name.get()))
                        .toList());
    }

    private static LoginException refused(String why) {
        return new LoginException(LoginException.INVALID_REQUEST, why);
    }
}
