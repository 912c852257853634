/**
 * The composition root: reads the configuration, starts the reactors, loads the kinds of resources
 * with {@link java.util.ServiceLoader}, and joins control plane, transports and API. It holds no
 * logic of its own; nothing imports it.
 *
 * <p>Entry point: {@link io.vireo.server.Main} with the commands {@code serve}, {@code doctor} and
 * {@code pool check}.
 */
@NullMarked
package io.vireo.server;

import org.jspecify.annotations.NullMarked;
