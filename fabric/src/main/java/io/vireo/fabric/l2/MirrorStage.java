package io.vireo.fabric.l2;

/** Where a {@link Mirror} looks at the frames of a source. */
final class MirrorStage implements PortStage {
    private final Mirror mirror;
    private final Place place;
    private final Classifier classifier;

    MirrorStage(Mirror mirror, Place place, Classifier classifier) {
        this.mirror = mirror;
        this.place = place;
        this.classifier = classifier;
    }

    @Override
    public Place place() {
        return place;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        mirror.copy(pass, index, count, classifier);
        return count;
    }
}
