/**
 * An iSCSI initiator for tests (RFC 7143), which keeps the rules by itself and breaks any of them
 * when told to: {@link io.vireo.testkit.iscsi.IscsiInitiator} sends and receives {@link
 * io.vireo.testkit.iscsi.IscsiPdu}s over a blocking socket.
 */
@NullMarked
package io.vireo.testkit.iscsi;

import org.jspecify.annotations.NullMarked;
