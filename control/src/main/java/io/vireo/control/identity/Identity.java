package io.vireo.control.identity;

import io.vireo.resource.Spec;
import io.vireo.resource.spec.IscsiTargetSpec;
import io.vireo.resource.spec.ServerProfileSpec;
import io.vireo.resource.spec.VdiskAttachmentSpec;
import io.vireo.resource.spec.VhbaSpec;
import io.vireo.resource.spec.VnicSpec;
import java.util.Optional;
import java.util.stream.Stream;

/** One identity. */
public record Identity(IdentitySort sort, String value) {
    /** The identities that a resource has. */
    public static Stream<Identity> of(Spec spec) {
        return switch (spec) {
            case VnicSpec vnic -> Stream.of(new Identity(IdentitySort.MAC, vnic.mac().toString()));
            case VdiskAttachmentSpec disk ->
                    Stream.of(new Identity(IdentitySort.SERIAL, disk.serial()));
            case VhbaSpec vhba -> of(vhba);
            case IscsiTargetSpec target -> of(IdentitySort.IQN, target.targetName());
            case ServerProfileSpec profile -> of(profile);
            default -> Stream.empty();
        };
    }

    private static Stream<Identity> of(ServerProfileSpec profile) {
        return Stream.of(
                        profile.vnics().stream()
                                .flatMap(nic -> nic.mac().stream())
                                .map(mac -> new Identity(IdentitySort.MAC, mac.toString())),
                        profile.vdisks().stream()
                                .flatMap(disk -> of(IdentitySort.SERIAL, disk.serial())),
                        profile.vhbas().stream().flatMap(hba -> of(hba.adapter())))
                .flatMap(each -> each);
    }

    private static Stream<Identity> of(VhbaSpec vhba) {
        return Stream.of(
                        of(IdentitySort.WWN, vhba.wwpn()),
                        of(IdentitySort.WWN, vhba.wwnn()),
                        of(IdentitySort.IQN, vhba.iqn()))
                .flatMap(each -> each);
    }

    private static Stream<Identity> of(IdentitySort sort, Optional<String> value) {
        return value.map(text -> new Identity(sort, text)).stream();
    }
}
