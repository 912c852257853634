package io.vireo.systest;

import java.util.stream.IntStream;

/** Programs of a guest that others connect to. */
final class Listeners {
    private Listeners() {}

    /** Starts one in the guest's background; returns when something listens at its TCP port. */
    static void start(Guest guest, String command, int port) {
        guest.output(command + " >/dev/null 2>&1 &");
        await(guest, port, 1);
    }

    /** Returns when something listens at each of so many TCP ports, from the first on. */
    static void await(Guest guest, int first, int count) {
        var script = new StringBuilder();
        IntStream.range(first, first + count)
                .mapToObj(
                        "until grep -qE ':%04X 0+:0000 0A' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done; "
                                ::formatted)
                .forEach(script::append);
        guest.output(script.toString());
    }
}
