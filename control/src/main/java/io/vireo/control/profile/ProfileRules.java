package io.vireo.control.profile;

import io.vireo.control.Resource;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Names;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.Presentation;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.VhbaSpec;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Rules that hold between profiles, and between them and vHBAs. Pure. */
public final class ProfileRules {
    private record Use(String device, boolean readOnly) {}

    private final Map<String, Use> disks = new HashMap<>();
    private final Map<String, String> units = new TreeMap<>();
    private final Map<String, String> sockets = new HashMap<>();
    private final Map<String, String> interfaces = new HashMap<>();

    private ProfileRules() {}

    /**
     * Checks that no two servers write to the same vDisk, that none is attached that a vHBA maps,
     * and that no two devices claim the same socket or interface.
     *
     * @param resources all desired resources
     * @throws ResourceException with {@link ErrorCode#CONFLICT} that names the other device
     */
    public static void check(Collection<Resource> resources) {
        var rules = new ProfileRules();
        for (Resource resource : resources) {
            if (resource.spec() instanceof ServerProfileSpec spec) {
                rules.check(resource.metadata().name(), spec);
            } else if (resource.spec() instanceof VhbaSpec spec) {
                rules.check(resource.metadata().name(), spec);
            }
        }
        rules.units.forEach(rules::checkNotAttached);
    }

    private void check(String profile, ServerProfileSpec spec) {
        for (ServerProfileSpec.Nic nic : spec.vnics()) {
            String card = Names.derived(profile, nic.name());
            claim(sockets, nic.socketPath(), card);
            if (nic.presentation() == Presentation.TAP) {
                claim(interfaces, card, nic);
            }
        }
        for (ServerProfileSpec.Disk disk : spec.vdisks()) {
            String device = Names.derived(profile, disk.name());
            claim(sockets, disk.socketPath(), device);
            Use other = disks.put(disk.vdisk(), new Use(device, disk.readOnly()));
            if (other != null && !(other.readOnly() && disk.readOnly())) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "the vDisk "
                                + disk.vdisk()
                                + " of "
                                + device
                                + " is attached to "
                                + other.device()
                                + " as well; detach it there, or make both readOnly",
                        Map.of("vdisk", disk.vdisk(), "owner", other.device()));
            }
        }
        for (ServerProfileSpec.Hba hba : spec.vhbas()) {
            check(Names.derived(profile, hba.name()), hba.adapter());
        }
    }

    private void check(String vhba, VhbaSpec spec) {
        claim(sockets, spec.socketPath(), vhba);
        spec.luns().forEach(lun -> units.put(lun.vdisk(), vhba));
    }

    private void checkNotAttached(String vdisk, String vhba) {
        Use use = disks.get(vdisk);
        if (use != null) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the vDisk "
                            + vdisk
                            + " of "
                            + use.device()
                            + " is a logical unit of the vHBA "
                            + vhba
                            + " as well; a server has it by one of the two: take it out of the other",
                    Map.of("vdisk", vdisk, "owner", use.device()));
        }
    }

    private static void claim(
            Map<String, String> interfaces, String card, ServerProfileSpec.Nic nic) {
        String name = nic.interfaceName().orElse(nic.name());
        String other = interfaces.put(nic.namespace().orElse("") + "/" + name, card);
        if (other != null) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the interface "
                            + name
                            + " of "
                            + card
                            + " belongs to "
                            + other
                            + "; give interfaceName or namespace",
                    Map.of("interface", name, "owner", other));
        }
    }

    private static void claim(Map<String, String> sockets, Optional<String> path, String device) {
        path.ifPresent(socket -> {
            String other = sockets.put(socket, device);
            if (other != null) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "the socket "
                                + socket
                                + " of "
                                + device
                                + " belongs to "
                                + other
                                + "; choose another path, or leave it out",
                        Map.of("socket", socket, "owner", other));
            }
        });
    }
}
