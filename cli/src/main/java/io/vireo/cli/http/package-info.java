/**
 * A small HTTP/1.1 client for Unix sockets and loopback TCP ({@code java.net.http} cannot do the
 * former), with chunked bodies and server-sent events. One request for each connection. Entry
 * point: {@link io.vireo.cli.http.HttpClient}.
 */
@NullMarked
package io.vireo.cli.http;

import org.jspecify.annotations.NullMarked;
