package io.vireo.control.identity;

/** What identities there are. */
public enum IdentitySort {
    /** MAC addresses of vNICs. */
    MAC("mac", "MAC address"),
    /** Serials of attached disks. */
    SERIAL("serial", "disk serial"),
    /** World Wide Names of vHBAs: those of ports and those of nodes are not told apart. */
    WWN("wwn", "World Wide Name"),
    /** Names of iSCSI targets. */
    IQN("iqn", "iSCSI name");

    private final String key;
    private final String text;

    IdentitySort(String key, String text) {
        this.key = key;
        this.text = text;
    }

    /** The place in the store, and what the option of its prefix begins with. */
    String key() {
        return key;
    }

    /** What people call it. */
    String text() {
        return text;
    }
}
