package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Everything happens in a network namespace that exists for one test; needs root. */
class TapTest {
    private static final int ETH_HEADER = 14;

    private final NetworkNamespace namespace;

    TapTest() throws ErrnoException {
        namespace = NetworkNamespace.enterNew();
    }

    @AfterEach
    void leave() {
        namespace.close();
    }

    @Test
    void comesAndGoesWithItsDescriptor() throws ErrnoException {
        NetInterface tap = NetInterface.of("vtest0");
        assertThat(tap.exists()).isFalse();
        try (Tap queue = Tap.open("vtest0", false, 0)) {
            assertThat(queue.name()).isEqualTo("vtest0");
            assertThat(tap.exists()).isTrue();
            assertThatThrownBy(() -> Tap.open("vtest0", false, 0)).hasMessageContaining("EBUSY");
            queue.setPersistent(true);
        }
        assertThat(tap.exists()).isTrue();
        try (Tap queue = Tap.open("vtest0", false, 0)) {
            queue.setPersistent(false);
        }
        assertThat(tap.exists()).isFalse();
    }

    @Test
    void manyQueuesShareAnInterface() throws ErrnoException {
        int offloads = Tap.TUN_F_CSUM | Tap.TUN_F_TSO4 | Tap.TUN_F_TSO6;
        try (Tap first = Tap.open("multi%d", true, offloads);
                Tap second = Tap.open(first.name(), true, offloads)) {
            assertThat(first.name()).isEqualTo("multi0");
            assertThat(second.name()).isEqualTo("multi0");
            second.setOffloads(0);
        }
    }

    @Test
    void interfacesAreConfigured() throws ErrnoException {
        try (Tap tap = Tap.open("vtest0", false, 0)) {
            NetInterface device = NetInterface.of(tap.name());
            byte[] mac = HexFormat.of().parseHex("0200005e1001");
            device.setMac(mac);
            device.setMtu(9000);
            assertThat(device.mac()).isEqualTo(mac);
            assertThat(device.mtu()).isEqualTo(9000);
            assertThat(device.index()).isPositive();
            assertThat(device.isUp()).isFalse();
            device.setUp(true);
            assertThat(device.isUp()).isTrue();
            assertThat(device.flags() & NetInterface.IFF_RUNNING).isNotZero();
            device.setUp(false);
            assertThat(device.isUp()).isFalse();
            assertThatThrownBy(() -> device.setMtu(1_000_000)).hasMessageContaining("EINVAL");
        }
    }

    @Test
    void framesCrossABridgeBetweenTwoTaps() throws ErrnoException {
        NetInterface bridge = NetInterface.createBridge("vbr0");
        try (Tap one = Tap.open("one", false, 0);
                Tap two = Tap.open("two", false, 0);
                NativeBuffer buffer = NativeBuffer.allocate(4096, 8)) {
            for (Tap tap : new Tap[] {one, two}) {
                NetInterface port = NetInterface.of(tap.name());
                bridge.addPort(port);
                port.setUp(true);
            }
            bridge.setUp(true);
            assertThatThrownBy(() -> bridge.addPort(NetInterface.of("one")))
                    .hasMessageContaining("EBUSY");
            int length = Tap.HEADER_SIZE + ETH_HEADER + 46;
            byte[] frame = new byte[length];
            HexFormat hex = HexFormat.of();
            System.arraycopy(
                    hex.parseHex("ffffffffffff02000000000188b5"),
                    0,
                    frame,
                    Tap.HEADER_SIZE,
                    ETH_HEADER);
            frame[length - 1] = 77;
            ForeignMemory.copyFromArray(frame, 0, buffer.address(), length);
            assertThat(FileCalls.write(one.fd().number(), buffer.address(), length))
                    .isEqualTo(length);
            assertThat(receive(two, buffer)).endsWith(frame[length - 1]).hasSize(length);
            bridge.removePort(NetInterface.of("one"));
            bridge.setUp(false);
        }
        bridge.deleteBridge();
        assertThat(bridge.exists()).isFalse();
    }

    /** Reads until the frame of our own Ethernet type comes; the kernel sends some of its own. */
    private static byte[] receive(Tap tap, NativeBuffer buffer) throws ErrnoException {
        try (Epoll epoll = Epoll.create()) {
            epoll.add(tap.fd().number(), Epoll.EPOLLIN, 0);
            while (true) {
                assertThat(epoll.wait(10_000)).isEqualTo(1);
                int length = (int) FileCalls.read(tap.fd().number(), buffer.address(), 4096);
                byte[] frame = new byte[length];
                ForeignMemory.copyToArray(buffer.address(), frame, 0, length);
                int type = Tap.HEADER_SIZE + 12;
                if (frame[type] == (byte) 0x88 && frame[type + 1] == (byte) 0xb5) {
                    return frame;
                }
            }
        }
    }

    @Test
    void namesAreChecked() throws ErrnoException {
        assertThatThrownBy(() -> NetInterface.of("")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Tap.open("sixteen-bytes-xx", false, 0))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> NetInterface.of("absent").index())
                .hasMessageContaining("SIOCGIFINDEX, absent): ENODEV");
        assertThatThrownBy(() -> NetworkNamespace.enter("../1/ns/net"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> NetworkNamespace.enter("no-such-namespace"))
                .hasMessageContaining("ENOENT");
    }

    @Test
    void namespacesHoldOnlyTheirOwnThread() throws ErrnoException {
        try (Tap tap = Tap.open("vtest0", false, 0)) {
            assertThat(NetInterface.of(tap.name()).exists()).isTrue();
            CompletableFuture<Boolean> elsewhere = new CompletableFuture<>();
            Thread.ofPlatform()
                    .start(() -> {
                        try (NetworkNamespace other = NetworkNamespace.enterNew()) {
                            assertThat(other).isNotNull();
                            elsewhere.complete(NetInterface.of("vtest0").exists());
                        } catch (ErrnoException e) {
                            elsewhere.completeExceptionally(e);
                        }
                    });
            assertThat(elsewhere.join()).isFalse();
            NetworkNamespace inner = NetworkNamespace.enterNew();
            assertThat(NetInterface.of("vtest0").exists()).isFalse();
            inner.close();
            inner.close();
            assertThat(NetInterface.of("vtest0").exists()).isTrue();
        }
    }

    @Test
    void virtualThreadsAreRefused() throws InterruptedException {
        CompletableFuture<Throwable> refused = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(() -> {
                    try (NetworkNamespace entered = NetworkNamespace.enterNew()) {
                        refused.complete(new AssertionError(entered));
                    } catch (ErrnoException | RuntimeException e) {
                        refused.complete(e);
                    }
                })
                .join();
        assertThat(refused.join()).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void namedNamespacesAreEnteredAndLeft() throws IOException {
        String name = "vireo-test-" + ProcessHandle.current().pid();
        Path named = Files.createDirectories(Path.of("/run/netns")).resolve(name);
        try (Fd inside =
                        PathCalls.open(Path.of("/proc/thread-self/ns/net"), PathCalls.O_RDONLY, 0);
                Tap tap = Tap.open("vtest0", false, 0);
                NetworkNamespace other = NetworkNamespace.enterNew()) {
            // "ip netns add" mounts the namespace there; a link to it does as well.
            Files.createSymbolicLink(named, Path.of("/proc/self/fd/" + inside.number()));
            NetInterface device = NetInterface.of(tap.name());
            assertThat(device.exists()).isFalse();
            try (NetworkNamespace entered = NetworkNamespace.enter(name)) {
                assertThat(entered).isNotSameAs(other);
                assertThat(device.exists()).isTrue();
            }
            assertThat(device.exists()).isFalse();
        } finally {
            Files.deleteIfExists(named);
        }
    }
}
