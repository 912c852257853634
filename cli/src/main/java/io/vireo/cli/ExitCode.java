package io.vireo.cli;

/** Exit codes; part of the interface, docs/cli.md lists them. */
final class ExitCode {
    static final int OK = 0;
    static final int FAILED = 1;
    static final int USAGE = 2;
    static final int UNREACHABLE = 3;
    static final int NOT_FOUND = 4;
    static final int CONFLICT = 5;
    static final int TIMED_OUT = 6;

    private ExitCode() {}
}
