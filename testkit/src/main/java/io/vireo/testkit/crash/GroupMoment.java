package io.vireo.testkit.crash;

/** The moment that all snapshots of a group are of, as far as what they hold says when it was. */
final class GroupMoment {
    private int after = -1;
    private int before = DiskLog.NEVER;
    private String later = "";
    private String earlier = "";

    /** A snapshot has what was submitted at a time. */
    void isAfter(int submitted, String snapshot) {
        if (submitted > after) {
            after = submitted;
            later = snapshot;
        }
    }

    /** A snapshot has not what had ended by a time. */
    void isBefore(int completed, String snapshot) {
        if (completed < before) {
            before = completed;
            earlier = snapshot;
        }
    }

    /** Whether there is one. */
    boolean exists() {
        return after < before;
    }

    /** Why there is none. */
    String complaint() {
        return "the snapshots of a group are of no one moment: %s has a write that began at %d, %s has not one that had ended at %d"
                .formatted(later, after, earlier, before);
    }
}
