package io.vireo.fabric.storage.qos;

/** Divides what there is by weights, so that nobody gets less than his floor. */
final class Division {
    private Division() {}

    /**
     * The first one's part. Those whose floor is more than what is theirs by weight get the floor,
     * the others divide the rest.
     *
     * @param whole what there is
     * @param weights of each; those beyond the first may be 0
     * @param floors of each; in sum not more than {@code whole}, or what is left is 0
     * @param count of those that take part, at least 1
     */
    static double first(double whole, double[] weights, double[] floors, int count) {
        double rest = whole;
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += weights[i];
        }
        boolean again = true;
        long pinned = 0;
        while (again) {
            again = false;
            for (int i = 0; i < count; i++) {
                boolean open = (pinned & 1L << i) == 0;
                if (open && sum > 0 && floors[i] > rest * weights[i] / sum) {
                    if (i == 0) {
                        return floors[0];
                    }
                    pinned |= 1L << i;
                    rest = Math.max(rest - floors[i], 0);
                    sum -= weights[i];
                    again = true;
                }
            }
        }
        return sum <= 0 ? rest : rest * weights[0] / sum;
    }
}
