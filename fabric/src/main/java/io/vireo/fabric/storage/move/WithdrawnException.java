package io.vireo.fabric.storage.move;

/** A vDisk is not wanted where it was on its way to any more: no error. */
final class WithdrawnException extends RuntimeException {
    private static final long serialVersionUID = 1;

    WithdrawnException() {
        super("withdrawn", null, false, false);
    }
}
