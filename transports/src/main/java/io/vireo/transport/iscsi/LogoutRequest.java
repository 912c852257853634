package io.vireo.transport.iscsi;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.Operation;
import io.vireo.resource.Parameter;
import io.vireo.resource.ResourceException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Which sessions an operator wants to have logged out, and by when.
 *
 * @param session its session identifying handle; empty: any
 * @param initiator iSCSI name in lower case; empty: any
 * @param portal name of the IscsiPortal that they came by; empty: any
 * @param seconds that the initiators have, 1 to {@link #MAX_SECONDS}
 */
record LogoutRequest(
        OptionalInt session, Optional<String> initiator, Optional<String> portal, int seconds) {
    /** Longest time that an initiator is given. */
    static final int MAX_SECONDS = 3600;

    private static final int DEFAULT_SECONDS = 10;
    private static final int MAX_TSIH = 0xFFFF;
    private static final String SESSION = "session";
    private static final String INITIATOR = "initiator";
    private static final String PORTAL = "portal";
    private static final String TIMEOUT = "timeout";

    /** What is offered to users. */
    static final Operation OPERATION =
            new Operation(
                    "logout",
                    "Ask initiators to log out; sessions that are left after the time are ended."
                            + " Concerns all sessions unless a parameter says which.",
                    List.of(
                            new Parameter(
                                    SESSION,
                                    "number of a session, as in the attribute sessionNUMBER"),
                            new Parameter(INITIATOR, "iSCSI name: its sessions"),
                            new Parameter(PORTAL, "name of an IscsiPortal: sessions by it"),
                            new Parameter(
                                    TIMEOUT,
                                    "seconds that initiators have, 1 to "
                                            + MAX_SECONDS
                                            + "; default "
                                            + DEFAULT_SECONDS)));

    /**
     * Reads the parameters of the operation.
     *
     * @throws ResourceException if one is not understood
     */
    static LogoutRequest parse(Map<String, String> parameters) {
        return new LogoutRequest(
                number(parameters, SESSION, MAX_TSIH),
                Optional.ofNullable(parameters.get(INITIATOR))
                        .map(name -> name.toLowerCase(Locale.ROOT)),
                Optional.ofNullable(parameters.get(PORTAL)),
                number(parameters, TIMEOUT, MAX_SECONDS).orElse(DEFAULT_SECONDS));
    }

    private static OptionalInt number(Map<String, String> parameters, String name, int most) {
        String text = parameters.get(name);
        if (text == null) {
            return OptionalInt.empty();
        }
        if (text.matches("[0-9]{1,5}")) {
            int value = Integer.parseInt(text);
            if (value >= 1 && value <= most) {
                return OptionalInt.of(value);
            }
        }
        throw new ResourceException(
                ErrorCode.INVALID, name + " must be a number from 1 to " + most);
    }

    /** Whether a session is meant. */
    boolean concerns(SessionIdentity identity) {
        return session.orElse(identity.tsih()) == identity.tsih()
                && initiator.map(identity.initiator().name()::equals).orElse(true)
                && portal.map(identity.portal()::equals).orElse(true);
    }

    /** Which sessions, as words behind "session"; empty if any. */
    String described() {
        var text = new StringBuilder();
        session.ifPresent(number -> text.append(' ').append(number));
        initiator.ifPresent(name -> text.append(" of ").append(name));
        portal.ifPresent(name -> text.append(" by portal ").append(name));
        return text.toString();
    }
}
