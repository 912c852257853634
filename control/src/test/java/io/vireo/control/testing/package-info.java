/**
 * Kinds that run nothing and write down what is done to them, for tests of the control plane, the
 * API and the CLI.
 */
@NullMarked
package io.vireo.control.testing;

import org.jspecify.annotations.NullMarked;
