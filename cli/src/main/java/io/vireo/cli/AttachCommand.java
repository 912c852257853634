package io.vireo.cli;

import io.vireo.cli.attach.CloudHypervisor;
import io.vireo.cli.attach.Guest;
import io.vireo.cli.attach.Hypervisor;
import io.vireo.cli.attach.Ipxe;
import io.vireo.cli.attach.IscsiTargetAccess;
import io.vireo.cli.attach.Libvirt;
import io.vireo.cli.attach.OpenIscsi;
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

/** Prints how a hypervisor or an initiator takes the devices of a profile, or a vHBA. */
@Command(
        name = "attach",
        description =
                "Print how a hypervisor takes the devices of a profile, or an iSCSI initiator its vHBAs.",
        footer = {
            "",
            "Example: qemu-system-x86_64 -machine q35,accel=kvm $(vireo attach web1 --as qemu --memory 2G) ...",
        })
final class AttachCommand extends Subcommand {
    private static final Pattern VERSION = Pattern.compile("version ([0-9]+)\\.([0-9]+)");
    private static final Pattern MEMORY = Pattern.compile("([0-9]{1,9})([MG])i?B?");
    private static final Pattern MAJOR_MINOR =
            Pattern.compile("([0-9]{1,3})\\.([0-9]{1,3})(\\..*)?");

    private static final Pattern VHBA = Pattern.compile("(vhba|hba|vhbas|Vhba)/(.+)");

    @Parameters(
            index = "0",
            paramLabel = "PROFILE",
            description = "The ServerProfile, or a vHBA by itself as vhba/NAME.")
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

    @Option(
            names = "--address",
            paramLabel = "ADDRESS",
            description =
                    "Address by which the server reaches iSCSI portals that listen at all of this host's.")
    @Nullable String address;

    @Option(names = "--tcg", description = "Write for QEMU without KVM.")
    boolean tcg;

    /** The hypervisors. */
    enum Target {
        QEMU("qemu"),
        LIBVIRT("libvirt"),
        CLOUD_HYPERVISOR("cloud-hypervisor"),
        OPEN_ISCSI("open-iscsi"),
        IPXE("ipxe");

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
        try {
            print(
                    switch (target) {
                        case QEMU, LIBVIRT, CLOUD_HYPERVISOR -> hypervisor().render(guest(client));
                        case OPEN_ISCSI -> new OpenIscsi().render(targets(client));
                        case IPXE -> new Ipxe().render(targets(client));
                    });
        } catch (IllegalArgumentException e) {
            throw new CliException(ExitCode.FAILED, String.valueOf(e.getMessage()));
        }
        return ExitCode.OK;
    }

    /** The vHBA that is asked for by itself. */
    private Optional<String> vhba() {
        Matcher name = VHBA.matcher(profile);
        return name.matches() ? Optional.of(name.group(2)) : Optional.empty();
    }

    private Guest guest(ApiClient client) {
        Optional<String> alone = vhba();
        if (alone.isPresent()) {
            JsonNode found = client.get(ApiClient.path("vhbas", alone.get()));
            Guest.Hba hba = hba(found, alone.get().replace('.', '-'), OptionalInt.of(1));
            return new Guest(
                    alone.get(),
                    Optional.empty(),
                    bytes(memory),
                    List.of(),
                    List.of(),
                    List.of(hba));
        }
        JsonNode found = client.get(ApiClient.path("profiles", profile));
        JsonNode spec = found.path("spec");
        return new Guest(
                profile,
                Optional.of(found.path("metadata").path("uid").asString()),
                bytes(memory),
                nics(client, spec.path("vnics")),
                spec.path("vdisks").values().stream()
                        .map(device -> disk(part(client, "vdiskattachments", device)))
                        .toList(),
                hbas(client, spec.path("vhbas")));
    }

    private List<Guest.Nic> nics(ApiClient client, JsonNode devices) {
        List<Guest.Nic> nics = new ArrayList<>();
        for (JsonNode device : devices) {
            JsonNode vnic = part(client, "vnics", device);
            if (isForHypervisor(vnic)) {
                nics.add(nic(vnic, number(device.path("bootOrder"))));
            }
        }
        return nics;
    }

    private List<Guest.Hba> hbas(ApiClient client, JsonNode devices) {
        List<Guest.Hba> hbas = new ArrayList<>();
        for (JsonNode device : devices) {
            String name = device.path("name").asString();
            hbas.add(
                    hba(
                            part(client, "vhbas", device),
                            name,
                            OptionalInt.of(device.path("bootOrder").asInt(1))));
        }
        return hbas;
    }

    private static Guest.Hba hba(JsonNode vhba, String name, OptionalInt place) {
        JsonNode spec = vhba.path("spec");
        OptionalInt bootLun = IscsiLookup.bootLun(spec);
        return new Guest.Hba(
                name,
                socket(vhba),
                listens(spec),
                spec.path("queues").asInt(1),
                spec.path("queueDepth").asInt(Integer.MAX_VALUE),
                bootLun,
                bootLun.isPresent() ? place : OptionalInt.empty());
    }

    private List<IscsiTargetAccess> targets(ApiClient client) {
        var lookup = new IscsiLookup(client, address);
        Optional<String> alone = vhba();
        if (alone.isPresent()) {
            return lookup.targets(alone.get());
        }
        List<IscsiTargetAccess> targets = new ArrayList<>();
        for (JsonNode device :
                client.get(ApiClient.path("profiles", profile)).path("spec").path("vhbas")) {
            targets.addAll(lookup.targets(profile + "." + device.path("name").asString()));
        }
        if (targets.isEmpty()) {
            throw new CliException(ExitCode.FAILED, "the profile " + profile + " has no vHBAs");
        }
        return targets;
    }

    /** What a device of the profile has become. */
    private JsonNode part(ApiClient client, String plural, JsonNode device) {
        return client.get(ApiClient.path(plural, profile + "." + device.path("name").asString()));
    }

    /** Cards of the host itself are nothing that a hypervisor takes. */
    private static boolean isForHypervisor(JsonNode vnic) {
        return !vnic.path("spec").path("presentation").asString("").equals("tap");
    }

    private static Guest.Nic nic(JsonNode vnic, OptionalInt bootOrder) {
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
                text(spec.path("qmp")),
                bootOrder);
    }

    private static Guest.Disk disk(JsonNode attachment) {
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
            case LIBVIRT -> new Libvirt(qemu());
            case CLOUD_HYPERVISOR -> new CloudHypervisor();
            case OPEN_ISCSI, IPXE -> throw new IllegalStateException(target + " is no hypervisor");
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
