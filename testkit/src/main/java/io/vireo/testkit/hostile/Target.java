package io.vireo.testkit.hostile;

import java.nio.file.Path;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;

/**
 * What is attacked.
 *
 * @param socket of the device
 * @param driver how its driver asks for something
 * @param openFds number of descriptors that the back end's process has open
 * @param alive whether that process lives
 * @param witness checks that another session, of another device, is served
 */
public record Target(
        Path socket, Driver driver, IntSupplier openFds, BooleanSupplier alive, Runnable witness) {}
