package io.vireo.cli.output;

import java.util.ArrayList;
import java.util.List;

/**
 * Text in aligned columns, two spaces apart; the last column is not padded. Lines that belong to a
 * row stand below it.
 */
public final class Table {
    private static final String INDENT = "    ";

    private final List<Row> rows = new ArrayList<>();

    private record Row(List<String> cells, List<String> below) {}

    public Table(List<String> headings) {
        rows.add(new Row(List.copyOf(headings), List.of()));
    }

    /** Adds a row with as many cells as there are headings; empty cells show as a dash. */
    public void add(List<String> cells) {
        add(cells, List.of());
    }

    /**
     * Adds a row, as {@link #add(List)} does.
     *
     * @param below lines that are shown below it, indented
     */
    public void add(List<String> cells, List<String> below) {
        List<String> headings = rows.getFirst().cells();
        if (cells.size() != headings.size()) {
            throw new IllegalArgumentException(cells + " does not fit " + headings);
        }
        List<String> shown = cells.stream().map(cell -> cell.isEmpty() ? "-" : cell).toList();
        rows.add(new Row(shown, List.copyOf(below)));
    }

    public boolean isEmpty() {
        return rows.size() == 1;
    }

    @Override
    public String toString() {
        int[] widths = new int[rows.getFirst().cells().size()];
        for (Row row : rows) {
            for (int i = 0; i < widths.length; i++) {
                widths[i] = Math.max(widths[i], width(row.cells().get(i)));
            }
        }
        StringBuilder text = new StringBuilder();
        for (Row row : rows) {
            for (int i = 0; i < widths.length; i++) {
                String cell = row.cells().get(i);
                text.append(cell);
                if (i < widths.length - 1) {
                    text.append(" ".repeat(widths[i] - width(cell) + 2));
                }
            }
            text.append('\n');
            row.below().forEach(line -> text.append(INDENT).append(line).append('\n'));
        }
        return text.toString();
    }

    private static int width(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
