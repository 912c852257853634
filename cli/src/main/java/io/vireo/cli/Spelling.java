package io.vireo.cli;

import java.util.Collection;
import java.util.Optional;

/** Finds what a misspelled word was meant to be. */
final class Spelling {
    /** Letters for each slip that is taken for one. */
    private static final int LETTERS_PER_SLIP = 4;

    private Spelling() {}

    /** The known word that takes fewest slips to become this one; the first of several. */
    static Optional<String> nearest(String word, Collection<String> known) {
        String nearest = "";
        int fewest = word.length() / LETTERS_PER_SLIP + 1;
        for (String each : known) {
            int slips = slips(word, each);
            if (slips < fewest) {
                fewest = slips;
                nearest = each;
            }
        }
        return Optional.of(nearest).filter(found -> !found.isEmpty());
    }

    /** Letters that were left out, added, exchanged for others, or for their neighbours. */
    private static int slips(String a, String b) {
        int[][] slips = new int[a.length() + 1][b.length() + 1];
        for (int i = 0; i <= a.length(); i++) {
            for (int j = 0; j <= b.length(); j++) {
                slips[i][j] = i == 0 || j == 0 ? i + j : last(a, i, b, j, slips);
            }
        }
        return slips[a.length()][b.length()];
    }

    private static int last(String a, int i, String b, int j, int[][] slips) {
        boolean same = a.charAt(i - 1) == b.charAt(j - 1);
        int one = Math.min(slips[i - 1][j], slips[i][j - 1]) + 1;
        int best = Math.min(one, slips[i - 1][j - 1] + (same ? 0 : 1));
        boolean swapped =
                i > 1
                        && j > 1
                        && a.charAt(i - 1) == b.charAt(j - 2)
                        && a.charAt(i - 2) == b.charAt(j - 1);
        return swapped ? Math.min(best, slips[i - 2][j - 2] + 1) : best;
    }
}
