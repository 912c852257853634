package io.vireo.fabric.l2.lldp;

import io.vireo.net.HostIdentity;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import java.util.Optional;

/**
 * What neighbors are told.
 *
 * @param host who we are
 * @param source MAC address that frames come from
 * @param port name of the interface
 * @param portDescription for people
 * @param mtu of the port in bytes
 * @param managementAddress by which the host is managed
 */
record LocalSystem(
        HostIdentity host,
        MacAddress source,
        String port,
        String portDescription,
        int mtu,
        Optional<IpPrefix> managementAddress) {
    LocalSystem with(Optional<IpPrefix> address) {
        return new LocalSystem(host, source, port, portDescription, mtu, address);
    }
}
