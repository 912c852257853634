/**
 * The REST interface of the daemon. Entry point: {@link io.vireo.api.ApiServer}.
 *
 * <p>{@link io.vireo.api.RouteTable} is the one list of what there is: {@link io.vireo.api.Router}
 * dispatches by it and {@link io.vireo.api.OpenApi} describes it, so that description and behaviour
 * cannot part. Routes are generic over the kinds of resources. Requests come in by a Unix socket,
 * where the kernel says who calls, and by loopback TCP, where a token is needed and foreign {@code
 * Host} and {@code Origin} headers are refused ({@link io.vireo.api.AccessGuard}). Errors are
 * problem details (RFC 9457).
 *
 * <p>Threading: one virtual thread for each request; none of them makes a blocking native call.
 * Reads are served from memory, writes park until the store's own thread has done them.
 */
@NullMarked
package io.vireo.api;

import org.jspecify.annotations.NullMarked;
