package io.vireo.testkit.hostile;

import java.nio.file.Path;

/**
 * What is attacked.
 *
 * @param socket of the device
 * @param driver how its driver asks for something
 * @param witness checks that another session, of another device, is served
 */
public record Target(Path socket, Driver driver, Runnable witness) {}
