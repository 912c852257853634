package io.vireo.fabric.storage.mirror;

import org.jspecify.annotations.Nullable;

/** Requests that wait for the same thing, first in, first out. */
final class RequestQueue {
    private @Nullable MirrorRequest head;
    private @Nullable MirrorRequest tail;

    boolean isEmpty() {
        return head == null;
    }

    void add(MirrorRequest request) {
        request.next = null;
        MirrorRequest last = tail;
        if (last == null) {
            head = request;
        } else {
            last.next = request;
        }
        tail = request;
    }

    /** Takes the first. */
    @Nullable MirrorRequest poll() {
        MirrorRequest first = head;
        if (first != null) {
            head = first.next;
            if (head == null) {
                tail = null;
            }
            first.next = null;
        }
        return first;
    }

    /** Takes all of them from another queue. */
    void takeAll(RequestQueue other) {
        for (MirrorRequest r = other.poll(); r != null; r = other.poll()) {
            add(r);
        }
    }
}
