package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares every size, offset, constant and system call number with what the C compiler of this
 * machine says.
 */
class LayoutsTest {
    private static final List<String> HEADERS =
            List.of(
                    "stddef.h",
                    "stdio.h",
                    "errno.h",
                    "fcntl.h",
                    "netinet/in.h",
                    "netinet/tcp.h",
                    "sched.h",
                    "time.h",
                    "sys/epoll.h",
                    "sys/eventfd.h",
                    "sys/mman.h",
                    "sys/resource.h",
                    "sys/socket.h",
                    "sys/stat.h",
                    "sys/statfs.h",
                    "sys/syscall.h",
                    "sys/uio.h",
                    "sys/un.h",
                    "linux/auxvec.h",
                    "linux/bpf.h",
                    "linux/ethtool.h",
                    "linux/falloc.h",
                    "linux/fiemap.h",
                    "linux/fs.h",
                    "linux/if.h",
                    "linux/if_arp.h",
                    "linux/if_ether.h",
                    "linux/if_link.h",
                    "linux/if_packet.h",
                    "linux/if_tun.h",
                    "linux/if_xdp.h",
                    "linux/io_uring.h",
                    "linux/netlink.h",
                    "linux/openat2.h",
                    "linux/rtnetlink.h",
                    "linux/sockios.h",
                    "linux/time_types.h",
                    "linux/virtio_net.h");

    private static final List<Class<?>> CONSTANTS =
            List.of(
                    Constants.class,
                    Errno.class,
                    Epoll.class,
                    FileCalls.class,
                    Mapping.class,
                    Memfd.class,
                    NetInterface.class,
                    PathCalls.class,
                    Rlimit.class,
                    Tap.class,
                    UnixSocket.class,
                    Bpf.class,
                    LinkSocket.class,
                    IovecArray.class);

    /** Ours that go by another name in C; empty where C has none. */
    private static final Map<String, String> OTHER_NAMES =
            Map.of(
                    "INFINITY", "RLIM64_INFINITY",
                    "HEADER_SIZE", "sizeof(struct virtio_net_hdr_mrg_rxbuf)",
                    "BPF_FUNC_REDIRECT_MAP", "BPF_FUNC_redirect_map",
                    // include/net/scm.h, not exported to user space
                    "MAX_FDS", "253");

    @TempDir Path directory;

    @Test
    void everyNumberIsTheCompilers()
            throws IOException, InterruptedException, IllegalAccessException {
        Map<String, Long> ours = new LinkedHashMap<>();
        structures(ours);
        for (Class<?> type : CONSTANTS) {
            for (Field field : numbers(type)) {
                ours.put(OTHER_NAMES.getOrDefault(field.getName(), field.getName()), value(field));
            }
        }
        for (Field field : numbers(Syscall.class)) {
            ours.put("SYS_" + field.getName().toLowerCase(Locale.ROOT), value(field));
        }
        assertThat(ours).hasSizeGreaterThan(300);
        assertThat(evaluate(ours.keySet())).isEqualTo(ours);
    }

    private static void structures(Map<String, Long> ours) throws IllegalAccessException {
        for (Class<?> structure : Layouts.class.getDeclaredClasses()) {
            String name = cName(structure);
            for (Field field : numbers(structure)) {
                String member = field.getName().toLowerCase(Locale.ROOT);
                String expression =
                        member.equals("size")
                                ? "sizeof(" + name + ")"
                                : "offsetof(" + name + ", " + member + ")";
                ours.put(expression, value(field));
            }
        }
    }

    private static String cName(Class<?> structure) throws IllegalAccessException {
        for (Field field : structure.getDeclaredFields()) {
            if (field.getName().equals("C_NAME")) {
                return (String) field.get(null);
            }
        }
        throw new AssertionError(structure + " has no C_NAME");
    }

    private static List<Field> numbers(Class<?> type) {
        List<Field> fields = new ArrayList<>();
        for (Field field : type.getDeclaredFields()) {
            boolean number = field.getType() == int.class || field.getType() == long.class;
            if (number
                    && Modifier.isStatic(field.getModifiers())
                    && !Modifier.isPrivate(field.getModifiers())) {
                fields.add(field);
            }
        }
        return fields;
    }

    /**
     * Ioctl numbers are unsigned 32 bit in C and int here, so everything is compared as int but
     * what is a long.
     */
    private static long value(Field field) throws IllegalAccessException {
        return field.getType() == long.class ? field.getLong(null) : field.getInt(null);
    }

    private static boolean isLong(String expression) {
        return expression.equals("RLIM64_INFINITY") || expression.contains("_PGOFF_");
    }

    private Map<String, Long> evaluate(Iterable<String> expressions)
            throws IOException, InterruptedException {
        StringBuilder source = new StringBuilder("#define _GNU_SOURCE\n");
        HEADERS.forEach(header -> source.append("#include <").append(header).append(">\n"));
        source.append("int main(void) {\n");
        for (String expression : expressions) {
            source.append("    printf(\"%lld\\t").append(expression).append("\\n\", ");
            source.append(isLong(expression) ? "(long long)(" : "(long long)(int)(");
            source.append(expression).append("));\n");
        }
        source.append("    return 0;\n}\n");
        Path file = Files.writeString(directory.resolve("numbers.c"), source);
        Path program = directory.resolve("numbers");
        run("cc", "-w", "-o", program.toString(), file.toString());
        Map<String, Long> values = new LinkedHashMap<>();
        for (String line : run(program.toString()).split("\n", -1)) {
            String[] parts = line.split("\t", 2);
            if (parts.length == 2) {
                values.put(parts[1], Long.valueOf(parts[0]));
            }
        }
        return values;
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        // The virtual machine closes them a little later than a process ends, and others count.
        try (var _ = process.getOutputStream();
                var said = process.getInputStream()) {
            String output =
                    new String(said.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as("%s: %s", command[0], output).isZero();
            return output;
        }
    }
}
