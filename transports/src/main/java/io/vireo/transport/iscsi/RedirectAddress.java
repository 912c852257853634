package io.vireo.transport.iscsi;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.regex.Pattern;

/** Where a target sends initiators: a TargetAddress without a group (RFC 7143, 13.8). */
final class RedirectAddress {
    private static final int MAX_PORT = 65535;
    private static final Pattern DOTTED = Pattern.compile("[0-9.]+");

    private RedirectAddress() {}

    /** What is wrong with one that has the form {@code host:port}, in words; empty: nothing. */
    static Optional<String> mistake(String text) {
        int port = port(text);
        if (port < 1 || port > MAX_PORT) {
            return Optional.of("has a port from 1 to " + MAX_PORT + " behind the last colon");
        }
        String host = host(text);
        if (isName(host)) {
            return Optional.empty();
        }
        boolean six = text.startsWith("[");
        // Of IPv4 whole ones only: 192.0.2 would be 192.0.0.2.
        boolean right =
                literal(host)
                        .filter(address ->
                                six
                                        ? address instanceof Inet6Address
                                        : address.getHostAddress().equals(host))
                        .isPresent();
        return right
                ? Optional.empty()
                : Optional.of(
                        host
                                + " is no "
                                + (six ? "IPv6" : "IPv4")
                                + " address; write one, or a name");
    }

    /** Whether it says this address. That of a name is not looked up. */
    static boolean isAt(String text, InetSocketAddress address) {
        return port(text) == address.getPort()
                && literal(host(text)).filter(address.getAddress()::equals).isPresent();
    }

    private static boolean isName(String host) {
        return host.indexOf(':') < 0 && !DOTTED.matcher(host).matches();
    }

    private static Optional<InetAddress> literal(String host) {
        try {
            return Optional.of(InetAddress.ofLiteral(host));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static int port(String text) {
        return Integer.parseInt(text.substring(text.lastIndexOf(':') + 1));
    }

    private static String host(String text) {
        String host = text.substring(0, text.lastIndexOf(':'));
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }
}
