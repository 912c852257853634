/** How results are shown: aligned tables, JSON and YAML. */
@NullMarked
package io.vireo.cli.output;

import org.jspecify.annotations.NullMarked;
