package io.vireo.fabric.storage.queue;

import org.jspecify.annotations.Nullable;

/**
 * Things that wait for the same, first in, first out. It allocates nothing: each is in one at most
 * and has the link in itself.
 */
public final class Fifo<T extends Fifo.Link<T>> {
    /** What can wait in one. */
    public abstract static class Link<T extends Link<T>> {
        private @Nullable T next;
    }

    private @Nullable T head;
    private @Nullable T tail;

    public boolean isEmpty() {
        return head == null;
    }

    public void add(T each) {
        setNext(each, null);
        T last = tail;
        if (last == null) {
            head = each;
        } else {
            setNext(last, each);
        }
        tail = each;
    }

    /** Takes the first. */
    public @Nullable T poll() {
        T first = head;
        if (first != null) {
            head = next(first);
            if (head == null) {
                tail = null;
            }
            setNext(first, null);
        }
        return first;
    }

    /** Takes all from another one. */
    public void takeAll(Fifo<T> other) {
        for (T each = other.poll(); each != null; each = other.poll()) {
            add(each);
        }
    }

    private static <T extends Link<T>> @Nullable T next(Link<T> of) {
        return of.next;
    }

    private static <T extends Link<T>> void setNext(Link<T> of, @Nullable T next) {
        of.next = next;
    }
}
