package io.vireo.fabric.l2.lldp;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;

/**
 * What another station says of itself. Texts are from the network: they have no control characters
 * and a limited length, and nothing else is promised of them. Empty: it does not say.
 *
 * @param id chassis and port as they were told, by which it is told from others (MSAP identifier)
 * @param chassis that identifies it
 * @param port by which it is connected
 * @param ttl seconds for which this is to be believed
 * @param capabilities what it is, of those in use
 * @param managementAddresses by which it is managed
 * @param portVlan of untagged frames; 0: none
 * @param maximumFrame bytes, header and check sequence included
 */
record Neighbor(
        String id,
        String chassis,
        String port,
        int ttl,
        String portDescription,
        String systemName,
        String systemDescription,
        List<String> capabilities,
        List<String> managementAddresses,
        OptionalInt portVlan,
        OptionalInt maximumFrame) {
    /** Most of them that are kept of one neighbor. */
    static final int ADDRESSES_MAX = 8;

    Neighbor {
        capabilities = List.copyOf(capabilities);
        managementAddresses = List.copyOf(managementAddresses);
    }

    /** System and port, in short. */
    String summary() {
        return (systemName.isEmpty() ? chassis : systemName) + " " + port;
    }

    /** Adds what there is to say as attributes of a status. */
    void describe(String prefix, Map<String, String> attributes) {
        attributes.put(prefix + "chassis", chassis);
        attributes.put(prefix + "port", port);
        add(attributes, prefix + "portDescription", portDescription);
        add(attributes, prefix + "systemName", systemName);
        add(attributes, prefix + "systemDescription", systemDescription);
        add(attributes, prefix + "capabilities", String.join(", ", capabilities));
        add(attributes, prefix + "managementAddresses", String.join(", ", managementAddresses));
        portVlan.ifPresent(vlan -> attributes.put(prefix + "portVlan", Integer.toString(vlan)));
        maximumFrame.ifPresent(
                bytes -> attributes.put(prefix + "maximumFrame", Integer.toString(bytes)));
        attributes.put(prefix + "ttl", Integer.toString(ttl));
    }

    private static void add(Map<String, String> attributes, String name, String value) {
        if (!value.isEmpty()) {
            attributes.put(name, value);
        }
    }
}
