package io.vireo.control.identity;

import io.vireo.resource.spec.VhbaSpec;
import java.util.Optional;

/**
 * Gives a vHBA its names when it is declared, and writes them into the spec that is stored: the one
 * that the user wrote, else the one that it had before, else a new one.
 */
public final class VhbaIdentities {
    private VhbaIdentities() {}

    /**
     * Takes the names that are fixed. Those of all vHBAs that are declared together come before any
     * {@link #assign}, so that none of them is drawn for another.
     *
     * @param owner the vHBA: its port name and iSCSI name are nobody else's
     * @param node whose node name it is: vHBAs of one server may have the same
     * @throws io.vireo.resource.ResourceException if one belongs to somebody else
     */
    public static void take(
            String owner,
            String node,
            VhbaSpec spec,
            Optional<VhbaSpec> before,
            Identities.Draft draft) {
        VhbaSpec fixed = fixed(spec, before);
        fixed.wwpn().ifPresent(name -> draft.take(IdentitySort.WWN, name, owner));
        fixed.wwnn().ifPresent(name -> draft.take(IdentitySort.WWN, name, node));
        fixed.iqn().ifPresent(name -> draft.take(IdentitySort.IQN, name, owner));
    }

    private static VhbaSpec fixed(VhbaSpec spec, Optional<VhbaSpec> before) {
        return spec.withNames(
                spec.wwpn().or(() -> before.flatMap(VhbaSpec::wwpn)),
                spec.wwnn().or(() -> before.flatMap(VhbaSpec::wwnn)),
                spec.iqn().or(() -> before.flatMap(VhbaSpec::iqn)));
    }

    /**
     * The spec with all names set; those that are fixed have been {@link #take taken}.
     *
     * @throws io.vireo.resource.ResourceException if a pool is used up
     */
    public static VhbaSpec assign(
            String owner,
            String node,
            VhbaSpec spec,
            Optional<VhbaSpec> before,
            Identities.Draft draft) {
        VhbaSpec fixed = fixed(spec, before);
        return fixed.withNames(
                fixed.wwpn().or(() -> Optional.of(draft.draw(IdentitySort.WWN, owner))),
                fixed.wwnn().or(() -> Optional.of(draft.draw(IdentitySort.WWN, node))),
                fixed.iqn().or(() -> Optional.of(draft.draw(IdentitySort.IQN, owner))));
    }
}
