package io.vireo.control.profile;

import io.vireo.control.Resource;
import io.vireo.resource.Metadata;
import io.vireo.resource.Names;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.resource.spec.VnicSpec;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;

/**
 * Turns a server profile into the resources that it owns. Pure: equal inputs give equal resources,
 * uids included.
 */
public final class ProfileExpansion {
    private static final int DEFAULT_MTU = 1500;

    private ProfileExpansion() {}

    /**
     * The vNICs, vDisk attachments and vHBAs of a profile.
     *
     * @param profile a ServerProfile whose identities are assigned
     * @param network the spec of a network by name, for the MTU and the policy of cards that do not
     *     set their own
     */
    public static List<Resource> expand(
            Resource profile, Function<String, Optional<NetworkSpec>> network) {
        var spec = (ServerProfileSpec) profile.spec();
        List<Resource> derived = new ArrayList<>();
        for (ServerProfileSpec.Nic nic : spec.vnics()) {
            derived.add(derive(profile, Kinds.VNIC, nic.name(), vnic(profile, nic, network)));
        }
        for (ServerProfileSpec.Disk disk : spec.vdisks()) {
            derived.add(
                    derive(
                            profile,
                            Kinds.VDISK_ATTACHMENT,
                            disk.name(),
                            attachment(profile, disk)));
        }
        for (ServerProfileSpec.Hba hba : spec.vhbas()) {
            derived.add(derive(profile, Kinds.VHBA, hba.name(), hba.adapter()));
        }
        return derived;
    }

    private static VnicSpec vnic(
            Resource profile,
            ServerProfileSpec.Nic nic,
            Function<String, Optional<NetworkSpec>> network) {
        return new VnicSpec(
                profile.metadata().name(),
                nic.name(),
                nic.network(),
                assigned(nic.mac(), profile, nic.name()),
                nic.mtu()
                        .orElseGet(() ->
                                network.apply(nic.network())
                                        .map(NetworkSpec::mtu)
                                        .orElse(DEFAULT_MTU)),
                nic.vlan(),
                nic.trunk(),
                nic.nativeVlan(),
                nic.queuePairs(),
                nic.socketMode(),
                nic.socketPath(),
                policy(nic, network),
                nic.qosPolicy(),
                nic.adminState(),
                nic.speed(),
                nic.qmp(),
                nic.presentation(),
                nic.interfaceName(),
                nic.namespace());
    }

    private static PortPolicySpec policy(
            ServerProfileSpec.Nic nic, Function<String, Optional<NetworkSpec>> network) {
        var general = network.apply(nic.network()).flatMap(NetworkSpec::vnicPolicy);
        return nic.policy().orElse(PortPolicySpec.NONE).orElse(general.orElse(PortPolicySpec.NONE));
    }

    private static VdiskAttachmentSpec attachment(Resource profile, ServerProfileSpec.Disk disk) {
        return new VdiskAttachmentSpec(
                profile.metadata().name(),
                disk.name(),
                disk.vdisk(),
                assigned(disk.serial(), profile, disk.name()),
                disk.readOnly(),
                disk.queues(),
                disk.bootOrder(),
                disk.socketMode(),
                disk.socketPath());
    }

    private static <T> T assigned(Optional<T> identity, Resource profile, String device) {
        return identity.orElseThrow(() ->
                new IllegalStateException(
                        "no identity was assigned to "
                                + Names.derived(profile.metadata().name(), device)));
    }

    private static Resource derive(Resource profile, String kind, String device, Spec spec) {
        Metadata owner = profile.metadata();
        String seed = owner.uid() + "/" + kind + "/" + device;
        return new Resource(
                kind,
                new Metadata(
                        Names.derived(owner.name(), device),
                        owner.labels(),
                        owner.annotations(),
                        UUID.nameUUIDFromBytes(seed.getBytes(StandardCharsets.UTF_8)).toString(),
                        owner.generation(),
                        owner.revision(),
                        owner.createdAt(),
                        owner.updatedAt(),
                        owner.deletionRequestedAt(),
                        Optional.of(new Reference(profile.kind(), owner.name()))),
                spec);
    }
}
