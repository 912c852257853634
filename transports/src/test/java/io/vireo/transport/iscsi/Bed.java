package io.vireo.transport.iscsi;

import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/** A target at a portal on loopback. */
final class Bed implements AutoCloseable {
    static final String TARGET = "iqn.2026-11.io.vireo:target";
    static final String INITIATOR = "iqn.2026-11.io.vireo:initiator";
    static final Credential USER = credential("user", "initiators-secret");
    static final Credential OURS = credential("target", "the-targets-secret");

    final ReactorGroup reactors = ReactorGroup.start(List.of(-1), PollMode.INTERRUPT);
    final IscsiTransport transport;
    final FakeTarget device = new FakeTarget(reactors.data().getFirst());
    final Portal portal;
    final TargetNode node;

    Bed() {
        this(Authentication.NONE, 16 << 20);
    }

    Bed(Authentication authentication, int pool) {
        this(authentication, pool, Patience.DEFAULT);
    }

    Bed(Authentication authentication, int pool, Patience patience) {
        transport = new IscsiTransport(reactors, pool, patience);
        var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        portal = new Portal(transport, "portal", address, 1, authentication, () -> {});
        var policy = new TargetNode.Policy(Set.of(INITIATOR), authentication, Optional.empty());
        node = new TargetNode(transport, TARGET, device, List.of(portal), policy, () -> {});
        portal.add(node);
    }

    private static Credential credential(String user, String secret) {
        return new Credential(
                user, "the secret " + user, () -> secret.getBytes(StandardCharsets.UTF_8));
    }

    IscsiInitiator connect() throws IOException {
        return new IscsiInitiator(portal.address(), INITIATOR);
    }

    /** An initiator that is logged in. */
    IscsiInitiator session(Map<String, String> parameters) throws IOException {
        IscsiInitiator initiator = connect();
        IscsiPdu response = initiator.login(TARGET, parameters);
        if (response.u16(36) != 0 || (response.flags() & 0x83) != 0x83) {
            throw new IOException("the login failed: " + response + " " + response.u16(36));
        }
        return initiator;
    }

    static byte[] cdb(int opcode, int block, int blocks) {
        return ByteBuffer.allocate(16)
                .put(0, (byte) opcode)
                .putInt(2, block)
                .putShort(7, (short) blocks)
                .array();
    }

    /** Whether all memory of the pool is free. */
    boolean isPoolWhole() throws Exception {
        var answer = new CompletableFuture<Boolean>();
        var reactor = reactors.data().getFirst();
        reactor.execute(() -> answer.complete(transport.side(reactor).pool().isWhole()));
        return answer.get();
    }

    /** Exceptions that our own code threw on a reactor. */
    long bugs() {
        return reactors.control().metrics().failures()
                + reactors.data().stream().mapToLong(r -> r.metrics().failures()).sum();
    }

    /** Waits until no session is left. */
    void awaitNoSession() throws Exception {
        var nobody = new CompletableFuture<Void>();
        reactors.control().execute(() -> poll(nobody));
        nobody.get();
    }

    private void poll(CompletableFuture<Void> nobody) {
        if (device.open.isEmpty() && node.isIdle()) {
            nobody.complete(null);
        } else {
            var _ = reactors.control().schedule(1_000_000, () -> poll(nobody));
        }
    }

    @Override
    public void close() throws Exception {
        var nodeClosed = new CompletableFuture<Void>();
        node.close(() -> nodeClosed.complete(null));
        nodeClosed.get();
        var portalClosed = new CompletableFuture<Void>();
        portal.close(() -> portalClosed.complete(null));
        portalClosed.get();
        transport.close();
        reactors.close();
    }
}
