package io.vireo.resource;

/** What came of {@link ResourceKind#update}. */
public sealed interface UpdateResult {
    /** The new spec is in force; guests noticed nothing but the change itself. */
    record InPlace() implements UpdateResult {}

    /**
     * Nothing was changed: the resource, and all that refer to it, must be closed and realized
     * anew.
     *
     * @param reason one sentence
     */
    record Recreate(String reason) implements UpdateResult {}

    /**
     * Nothing was changed and nothing will be: the running resource stays as it was and is shown as
     * not ready.
     *
     * @param reason one sentence that says what to do
     */
    record Refused(String reason) implements UpdateResult {}

    /** {@link InPlace}. */
    UpdateResult IN_PLACE = new InPlace();
}
