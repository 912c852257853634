package io.vireo.reactor;

/**
 * What a reactor has done since it started.
 *
 * @param turns times round the loop
 * @param work sum of what the pollers returned
 * @param busyNanos time that turns took in which there was work, without waiting
 * @param sleeps times it waited in epoll
 * @param memoryFaults turns that touched guest memory that was not there
 * @param failures exceptions that pollers, handlers and tasks threw: bugs
 * @param activePollers pollers that are polled every turn
 * @param parkedPollers pollers that wait to be woken
 * @param delegatedRequests requests that other threads carry out for it
 */
public record ReactorMetrics(
        long turns,
        long work,
        long busyNanos,
        long sleeps,
        long memoryFaults,
        long failures,
        int activePollers,
        int parkedPollers,
        int delegatedRequests) {}
