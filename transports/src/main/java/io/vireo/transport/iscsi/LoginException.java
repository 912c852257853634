package io.vireo.transport.iscsi;

/** A login that is refused: with what status, and why, for the log. */
final class LoginException extends Exception {
    private static final long serialVersionUID = 1;

    // Status-Class and Status-Detail (RFC 7143, 11.13.5).
    static final int MOVED_TEMPORARILY = 0x0101;
    static final int INITIATOR_ERROR = 0x0200;
    static final int AUTHENTICATION_FAILURE = 0x0201;
    static final int AUTHORIZATION_FAILURE = 0x0202;
    static final int NOT_FOUND = 0x0203;
    static final int UNSUPPORTED_VERSION = 0x0205;
    static final int MISSING_PARAMETER = 0x0207;
    static final int SESSION_TYPE_NOT_SUPPORTED = 0x0209;
    static final int SESSION_DOES_NOT_EXIST = 0x020A;
    static final int INVALID_REQUEST = 0x020B;
    static final int TARGET_ERROR = 0x0300;
    static final int SERVICE_UNAVAILABLE = 0x0301;
    static final int OUT_OF_RESOURCES = 0x0302;

    private final int status;
    private final String answer;

    LoginException(int status, String message) {
        this(status, message, "");
    }

    /**
     * @param answer a key and its value that go with the refusal; empty for none
     */
    LoginException(int status, String message, String answer) {
        super(message, null, false, false);
        this.status = status;
        this.answer = answer;
    }

    int status() {
        return status;
    }

    String answer() {
        return answer;
    }
}
