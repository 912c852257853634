package io.vireo.control.profile;

import io.vireo.control.identity.Identities;
import io.vireo.control.identity.IdentitySort;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Names;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.ServerProfileSpec.Disk;
import io.vireo.resource.spec.ServerProfileSpec.Nic;
import java.util.List;
import java.util.Optional;

/**
 * Gives each device of a profile its identity when the profile is declared, and writes it into the
 * spec that is stored: from then on it is part of the profile and goes where the profile goes.
 */
public final class ProfileIdentities {
    private final String profile;
    private final Optional<ServerProfileSpec> before;
    private final Identities.Draft draft;

    private ProfileIdentities(
            String profile, Optional<ServerProfileSpec> before, Identities.Draft draft) {
        this.profile = profile;
        this.before = before;
        this.draft = draft;
    }

    /**
     * The spec with every identity set: the one the user wrote, else the one that the device of
     * this name had before, else a new one.
     *
     * @param before the profile as it was, if it existed
     * @throws io.vireo.resource.ResourceException if an identity belongs to another device or a
     *     pool is used up
     */
    public static ServerProfileSpec assign(
            String profile,
            ServerProfileSpec spec,
            Optional<ServerProfileSpec> before,
            Identities.Draft draft) {
        var assignment = new ProfileIdentities(profile, before, draft);
        // Fixed ones first, so that none of them is drawn for another device of the same profile.
        spec.vnics()
                .forEach(nic ->
                        assignment.fixedMac(nic).ifPresent(mac -> assignment.takeMac(nic, mac)));
        spec.vdisks()
                .forEach(disk ->
                        assignment
                                .fixedSerial(disk)
                                .ifPresent(serial -> assignment.takeSerial(disk, serial)));
        List<Nic> vnics = spec.vnics().stream().map(assignment::withMac).toList();
        List<Disk> vdisks = spec.vdisks().stream().map(assignment::withSerial).toList();
        return new ServerProfileSpec(vnics, vdisks);
    }

    private void takeMac(Nic nic, MacAddress mac) {
        draft.take(IdentitySort.MAC, mac.toString(), Names.derived(profile, nic.name()));
    }

    private void takeSerial(Disk disk, String serial) {
        draft.take(IdentitySort.SERIAL, serial, Names.derived(profile, disk.name()));
    }

    private Optional<MacAddress> fixedMac(Nic nic) {
        return nic.mac().or(() -> earlierNic(nic.name()).flatMap(Nic::mac));
    }

    private Optional<String> fixedSerial(Disk disk) {
        return disk.serial().or(() -> earlierDisk(disk.name()).flatMap(Disk::serial));
    }

    private Optional<Nic> earlierNic(String name) {
        return before.flatMap(
                spec -> spec.vnics().stream().filter(nic -> nic.name().equals(name)).findFirst());
    }

    private Optional<Disk> earlierDisk(String name) {
        return before.flatMap(spec ->
                spec.vdisks().stream().filter(disk -> disk.name().equals(name)).findFirst());
    }

    private Nic withMac(Nic nic) {
        MacAddress mac =
                fixedMac(nic)
                        .orElseGet(() ->
                                MacAddress.parse(
                                        draft.draw(
                                                IdentitySort.MAC,
                                                Names.derived(profile, nic.name()))));
        return new Nic(
                nic.name(),
                nic.network(),
                Optional.of(mac),
                nic.mtu(),
                nic.vlan(),
                nic.trunk(),
                nic.nativeVlan(),
                nic.queuePairs(),
                nic.socketMode(),
                nic.socketPath(),
                nic.policy(),
                nic.qosPolicy(),
                nic.adminState(),
                nic.speed(),
                nic.qmp(),
                nic.presentation(),
                nic.interfaceName(),
                nic.namespace());
    }

    private Disk withSerial(Disk disk) {
        String serial =
                fixedSerial(disk)
                        .orElseGet(() ->
                                draft.draw(
                                        IdentitySort.SERIAL, Names.derived(profile, disk.name())));
        return new Disk(
                disk.name(),
                disk.vdisk(),
                disk.readOnly(),
                disk.queues(),
                disk.bootOrder(),
                Optional.of(serial),
                disk.socketMode(),
                disk.socketPath());
    }
}
