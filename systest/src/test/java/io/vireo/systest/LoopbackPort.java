package io.vireo.systest;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;

/**
 * A TCP port of a loopback address that nobody else is given while this is open: a socket is bound
 * to it and never listens. A daemon that sets SO_REUSEADDR, as Vireo does, can listen there.
 */
final class LoopbackPort implements AutoCloseable {
    private final Socket holder = new Socket();

    private LoopbackPort(String address) {
        try {
            holder.setReuseAddress(true);
            holder.bind(new InetSocketAddress(InetAddress.getByName(address), 0));
        } catch (IOException e) {
            throw new ScenarioException("no port is free at " + address, e);
        }
    }

    static LoopbackPort ipv4() {
        return new LoopbackPort("127.0.0.1");
    }

    static LoopbackPort ipv6() {
        return new LoopbackPort("::1");
    }

    int number() {
        return holder.getLocalPort();
    }

    @Override
    public void close() {
        try {
            holder.close();
        } catch (IOException e) {
            throw new ScenarioException("port " + number() + " is not given back", e);
        }
    }
}
