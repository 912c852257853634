/**
 * Encryption of volumes at rest: AES-256-XTS (IEEE 1619) with a random key for each volume, which
 * lies in the pool's metadata wrapped (RFC 3394) by the pool's master key.
 *
 * <p>{@link io.vireo.fabric.storage.crypto.MasterKey} wraps and unwraps, {@link
 * io.vireo.fabric.storage.crypto.WrappedKey} is what is on disk, {@link
 * io.vireo.fabric.storage.crypto.VolumeCipher} works on data. Knows nothing of pools, maps or
 * disks.
 */
@NullMarked
package io.vireo.fabric.storage.crypto;

import org.jspecify.annotations.NullMarked;
