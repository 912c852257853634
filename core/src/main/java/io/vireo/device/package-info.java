/**
 * The contracts that device models implement and transports accept. A device is written once and
 * knows nothing of PCI, sockets or eventfds.
 */
@NullMarked
package io.vireo.device;

import org.jspecify.annotations.NullMarked;
