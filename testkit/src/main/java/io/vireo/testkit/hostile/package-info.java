/**
 * What a hostile front end or driver does to a vhost-user back end, as attacks that any back end
 * can be put under: in a test's own process, or a daemon by its sockets. {@link
 * io.vireo.testkit.hostile.Attack}s come in groups; each says by itself whether the back end gave
 * the answer that it must give. {@link io.vireo.testkit.hostile.Siege} runs one and then makes sure
 * that nothing else was harmed: another session's traffic, the number of open descriptors, the life
 * of the process.
 */
@NullMarked
package io.vireo.testkit.hostile;

import org.jspecify.annotations.NullMarked;
