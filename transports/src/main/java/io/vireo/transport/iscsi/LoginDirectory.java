package io.vireo.transport.iscsi;

import java.util.Optional;

/** What a login is checked against: what is presented through one portal. */
interface LoginDirectory {
    /** A target. */
    interface Entry {
        /** Its iSCSI name. */
        String name();

        /** Whether an initiator of this name may log in. */
        boolean admits(String initiator);

        Authentication authentication();

        /** Where initiators are sent instead: an address of a TargetAddress; empty: nowhere. */
        Optional<String> movedTo();
    }

    /** The target of this name, in lower case. */
    Optional<? extends Entry> target(String name);

    /** How discovery sessions authenticate. */
    Authentication discovery();

    /** The portal group tag of the portal. */
    int portalGroup();
}
