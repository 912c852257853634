/**
 * Threads of the data path. A {@link io.vireo.reactor.Reactor} is one pinned platform thread that
 * runs {@link io.vireo.reactor.Poller}s to completion. One reactor owns each queue; others send it
 * messages through its mailbox. Nobody locks a ring. It spins while there is work and for a little
 * while after, then waits on epoll: an idle daemon uses about no CPU.
 */
@NullMarked
package io.vireo.reactor;

import org.jspecify.annotations.NullMarked;
