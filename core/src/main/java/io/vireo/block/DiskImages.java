package io.vireo.block;

import io.vireo.resource.spec.DiskImageFormat;

/**
 * Image files below one directory of the host, from which vDisks are made and to which they are
 * written; a service of the host. Its calls block; they are for the reconciler and threads of jobs,
 * and what they return is for one thread at a time.
 *
 * <p>All failures are {@link io.vireo.resource.ResourceException}s with a sentence that says what
 * to do: UNAVAILABLE, EXHAUSTED or PERMISSION_DENIED where the host is to blame, INVALID where the
 * file is.
 */
public interface DiskImages {
    /**
     * Opens an image for reading. It is hostile until proven otherwise: whatever it says of itself
     * is checked, and it names no other file.
     *
     * @param file path relative to the directory, which cannot leave it and has no symbolic links
     */
    DiskImageReader open(String file, DiskImageFormat format);

    /**
     * Begins an image. It gets its name when it is finished.
     *
     * @param capacity bytes of the disk, a multiple of 512
     * @throws io.vireo.resource.ResourceException CONFLICT if there is a file of that name
     */
    DiskImageWriter create(String file, DiskImageFormat format, long capacity);

    /** Whether there is a file of that name. */
    boolean exists(String file);

    /** Where a file of that name is, for people. */
    String location(String file);
}
