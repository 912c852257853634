package io.vireo.cli;

import io.vireo.cli.attach.CloudHypervisor;
import io.vireo.cli.attach.Guest;
import io.vireo.cli.attach.Hypervisor;
import io.vireo.cli.attach.Libvirt;
import io.vireo.cli.attach.Qemu;
import java.io.IOException;
import java.io.Serial;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;
import tools.jackson.databind.JsonNode;

/** Prints how a hypervisor takes the devices of a profile. */
@Command(
        name = "attach",
        description = "Print the options with which a hypervisor takes the devices of a profile.",
        footer = {
            "",
            "Example: qemu-system-x86_64 -machine q35,accel=kvm $(vireo attach web1 --as qemu --memory 2G) ...",
        })
final class AttachCommand extends Subcommand {
    private static final Pattern VERSION = Pattern.compile("version ([0-9]+)\\.([0-9]+)");
    private static final Pattern MEMORY = Pattern.compile("([0-9]{1,9})([MG])i?B?");
    private static final Pattern MAJOR_MINOR =
            Pattern.compile("([0-9]{1,3})\\.([0-9]{1,3})(\\..*)?");

    @Parameters(index = "0", paramLabel = "PROFILE", description = "The ServerProfile.")
    String profile = "";

    @Option(
            names = "--as",
            required = true,
            converter = Target.Converter.class,
            completionCandidates = Target.Candidates.class,
            description = "One of: ${COMPLETION-CANDIDATES}.")
    Target target = Target.QEMU;

    @Option(
            names = "--memory",
            defaultValue = "1G",
            paramLabel = "SIZE",
            description = "Memory of the guest, with M or G. Default: 1G.")
    String memory = "1G";

    @Option(
            names = "--qemu-version",
            paramLabel = "VERSION",
            description =
                    "Write for this version of QEMU. Default: that of qemu-system-x86_64 here, else a current one.")
    @Nullable String qemuVersion;

    @Option(names = "--tcg", description = "Write for QEMU without KVM.")
    boolean tcg;

    /** The hypervisors. */
    enum Target {
        QEMU("qemu"),
        LIBVIRT("libvirt"),
        CLOUD_HYPERVISOR("cloud-hypervisor");

        private final String text;

        Target(String text) {
            this.text = text;
        }

        static final class Converter implements ITypeConverter<Target> {
            @Override
            public Target convert(String value) {
                for (Target target : values()) {
                    if (target.text.equals(value)) {
                        return target;
                    }
                }
                throw new TypeConversionException(
                        "expected one of "
                                + String.join(", ", new Candidates())
                                + " but was '"
                                + value
                                + "'");
            }
        }

        static final class Candidates extends ArrayList<String> {
            @Serial private static final long serialVersionUID = 1L;

            Candidates() {
                for (Target target : values()) {
                    add(target.text);
                }
            }
        }
    }

    @Override
    public Integer call() {
        ApiClient client = connection.open();
        JsonNode found = client.get("/v1/profiles/" + profile);
        Guest guest =
                new Guest(
                        profile,
                        found.path("metadata").path("uid").asString(),
                        bytes(memory),
                        parts(client, "vnics", found.path("spec").path("vnics")).stream()
                                .filter(AttachCommand::isForHypervisor)
                                .map(this::nic)
                                .toList(),
                        parts(client, "vdiskattachments", found.path("spec").path("vdisks"))
                                .stream()
                                .map(this::disk)
                                .toList());
        try {
            print(hypervisor().render(guest));
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.FAILED, String.valueOf(e.getMessage()));
        }
        return ExitCode.OK;
    }

    private List<JsonNode> parts(ApiClient client, String plural, JsonNode devices) {
        List<JsonNode> parts = new ArrayList<>();
        for (JsonNode device : devices) {
            parts.add(
                    client.get(
                            "/v1/"
                                    + plural
                                    + "/"
                                    + profile
                                    + "."
                                    + device.path("name").asString()));
        }
        return parts;
    }

    /** Cards of the host itself are nothing that a hypervisor takes. */
    private static boolean isForHypervisor(JsonNode vnic) {
        return !vnic.path("spec").path("presentation").asString("").equals("tap");
    }

    private Guest.Nic nic(JsonNode vnic) {
        JsonNode spec = vnic.path("spec");
        return new Guest.Nic(
                spec.path("device").asString(),
                socket(vnic),
                listens(spec),
                spec.path("mac").asString(),
                spec.path("mtu").asInt(),
                spec.path("queuePairs").asInt(),
                spec.path("adminState").asString("up").equals("up"),
                number(spec.path("speed")),
                text(spec.path("qmp")));
    }

    private Guest.Disk disk(JsonNode attachment) {
        JsonNode spec = attachment.path("spec");
        return new Guest.Disk(
                spec.path("device").asString(),
                socket(attachment),
                listens(spec),
                spec.path("queues").asInt(),
                number(spec.path("bootOrder")));
    }

    private static OptionalInt number(JsonNode value) {
        return value.isMissingNode() ? OptionalInt.empty() : OptionalInt.of(value.asInt());
    }

    private static Optional<String> text(JsonNode value) {
        return value.isMissingNode() ? Optional.empty() : Optional.of(value.asString());
    }

    private static boolean listens(JsonNode spec) {
        return spec.path("socketMode").asString("server").equals("server");
    }

    private static String socket(JsonNode device) {
        String socket = device.path("status").path("attributes").path("socket").asString("");
        if (socket.isEmpty()) {
            String title =
                    device.path("kind").asString()
                            + "/"
                            + device.path("metadata").path("name").asString();
            String why =
                    device.path("status").path("conditions").path(0).path("message").asString("");
            throw new CliException(
                    ExitCode.FAILED,
                    title
                            + " has no socket yet"
                            + (why.isEmpty() ? "" : ": " + why)
                            + "; wait until it is ready");
        }
        return socket;
    }

    static long bytes(String size) {
        Matcher form = MEMORY.matcher(size);
        if (!form.matches()) {
            throw new CliException(
                    ExitCode.USAGE, "'" + size + "' is no size of memory; write 512M or 2G");
        }
        return Long.parseLong(form.group(1)) << (form.group(2).equals("G") ? 30 : 20);
    }

    private Hypervisor hypervisor() {
        return switch (target) {
            case QEMU -> qemu();
            case LIBVIRT -> new Libvirt();
            case CLOUD_HYPERVISOR -> new CloudHypervisor();
        };
    }

    private Qemu qemu() {
        if (qemuVersion == null) {
            return installedQemu();
        }
        Matcher version = MAJOR_MINOR.matcher(qemuVersion);
        if (!version.matches()) {
            throw new CliException(
                    ExitCode.USAGE,
                    "'" + qemuVersion + "' is no version of QEMU; write 7.2 or 10.0");
        }
        return new Qemu(
                Integer.parseInt(version.group(1)), Integer.parseInt(version.group(2)), tcg);
    }

    private Qemu installedQemu() {
        try {
            Process process =
                    new ProcessBuilder("qemu-system-x86_64", "--version")
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            String text =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            Matcher version = VERSION.matcher(text);
            if (version.find()) {
                return new Qemu(
                        Integer.parseInt(version.group(1)),
                        Integer.parseInt(version.group(2)),
                        tcg);
            }
        } catch (IOException _) {
            // None is installed here; the guest may run elsewhere, or another binary is used.
        }
        return new Qemu(10, 0, tcg);
    }
}
