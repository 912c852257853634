package io.vireo.control.profile;

import io.vireo.control.identity.Identities;
import io.vireo.control.identity.IdentitySort;
import io.vireo.control.identity.VhbaIdentities;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Names;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.ServerProfileSpec.Disk;
import io.vireo.resource.spec.ServerProfileSpec.Hba;
import io.vireo.resource.spec.ServerProfileSpec.Nic;
import io.vireo.resource.spec.VhbaSpec;
import java.util.Optional;

/**
 * Gives each device of a profile its identity when the profile is declared, and writes it into the
 * spec that is stored: from then on it is part of the profile and goes where the profile goes.
 */
public final class ProfileIdentities {
    private final String profile;
    private final Optional<ServerProfileSpec> before;
    private final Identities.Draft draft;

    /**
     * Identities of a profile.
     *
     * @param before the profile as it was, if it existed
     */
    public ProfileIdentities(
            String profile, Optional<ServerProfileSpec> before, Identities.Draft draft) {
        this.profile = profile;
        this.before = before;
        this.draft = draft;
    }

    /**
     * Takes those that are fixed. All that are declared together come before any {@link #assign},
     * so that none of them is drawn for another device.
     *
     * @throws io.vireo.resource.ResourceException if one belongs to another device
     */
    public void take(ServerProfileSpec spec) {
        spec.vnics().forEach(nic -> fixedMac(nic).ifPresent(mac -> takeMac(nic, mac)));
        spec.vdisks()
                .forEach(disk -> fixedSerial(disk).ifPresent(serial -> takeSerial(disk, serial)));
        spec.vhbas()
                .forEach(hba ->
                        VhbaIdentities.take(
                                Names.derived(profile, hba.name()),
                                profile,
                                hba.adapter(),
                                earlierHba(hba.name()),
                                draft));
    }

    /**
     * The spec with every identity set: the one the user wrote, else the one that the device of
     * this name had before, else a new one.
     *
     * @throws io.vireo.resource.ResourceException if a pool is used up
     */
    public ServerProfileSpec assign(ServerProfileSpec spec) {
        return new ServerProfileSpec(
                spec.vnics().stream().map(this::withMac).toList(),
                spec.vdisks().stream().map(this::withSerial).toList(),
                spec.vhbas().stream().map(this::withNames).toList());
    }

    private Hba withNames(Hba hba) {
        return hba.named(
                VhbaIdentities.assign(
                        Names.derived(profile, hba.name()),
                        profile,
                        hba.adapter(),
                        earlierHba(hba.name()),
                        draft));
    }

    private Optional<VhbaSpec> earlierHba(String name) {
        return before.flatMap(spec ->
                spec.vhbas().stream()
                        .filter(hba -> hba.name().equals(name))
                        .map(Hba::adapter)
                        .findFirst());
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
                nic.namespace(),
                nic.bootOrder());
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
