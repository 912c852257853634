/**
 * System tests: stock Debian guests in QEMU whose only card and disk come from Vireo.
 *
 * <p>{@link io.vireo.systest.MainJob} is the entry point: the scenario that both {@code
 * script/demo} and the system test run. It drives {@link io.vireo.systest.Guest}s over their serial
 * consoles and takes their devices from a {@link io.vireo.systest.Host}: {@link
 * io.vireo.systest.Daemon}, the program as it is shipped, or a peer in the tests of the bed itself.
 *
 * <p>Each object is used by one thread at a time; the two guests of a scenario are driven by a
 * thread each.
 */
@NullMarked
package io.vireo.systest;

import org.jspecify.annotations.NullMarked;
