/**
 * QEMU's monitor (QMP, docs/interop/qmp-spec.rst of QEMU): what vhost-user has no message for that
 * QEMU heeds, such as the state of a card's link.
 *
 * <p>{@link io.vireo.transport.qmp.QmpMonitor} is the {@link io.vireo.transport.Monitor}. A {@code
 * QmpCall} is one connection with one command, closed afterwards, since the monitor serves one
 * client at a time. Everything runs on the control reactor.
 */
@NullMarked
package io.vireo.transport.qmp;

import org.jspecify.annotations.NullMarked;
