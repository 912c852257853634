/**
 * The command {@code vireo}. Entry point: {@link io.vireo.cli.VireoCli}; one class for each
 * subcommand. Everything it knows of kinds it asks the daemon for, so that a new kind needs no
 * change here.
 *
 * <p>Threading: the main thread does everything.
 */
@NullMarked
package io.vireo.cli;

import org.jspecify.annotations.NullMarked;
