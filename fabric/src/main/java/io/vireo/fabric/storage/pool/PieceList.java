package io.vireo.fabric.storage.pool;

import org.jspecify.annotations.Nullable;

/** Pieces that wait for the same thing, first in, first out. */
final class PieceList {
    private @Nullable Piece head;
    private @Nullable Piece tail;

    boolean isEmpty() {
        return head == null;
    }

    void add(Piece piece) {
        piece.next = null;
        Piece last = tail;
        if (last == null) {
            head = piece;
        } else {
            last.next = piece;
        }
        tail = piece;
    }

    /** Takes the first. */
    @Nullable Piece poll() {
        Piece first = head;
        if (first != null) {
            head = first.next;
            if (head == null) {
                tail = null;
            }
            first.next = null;
        }
        return first;
    }

    /** Takes all of them from another list. */
    void takeAll(PieceList other) {
        for (Piece piece = other.poll(); piece != null; piece = other.poll()) {
            add(piece);
        }
    }
}
