/**
 * Durable, revisioned keys: {@link io.vireo.control.store.Store} is shaped like etcd (create and
 * mod revision, compare-and-commit transactions), so that one host's SQLite file and a cluster's
 * etcd can stand behind the same interface and pass the same contract suite. {@link
 * io.vireo.control.store.SqliteStore} is the embedded one. All methods may be called from any
 * thread; an implementation serializes its writes.
 */
@NullMarked
package io.vireo.control.store;

import org.jspecify.annotations.NullMarked;
