package io.vireo.resource;

import java.io.IOException;
import java.io.OutputStream;
import java.util.List;

/**
 * Something of a running resource that is read as it happens, for example the frames of a card. A
 * reader that is slow loses some of it and holds nobody up.
 */
public interface LiveStream {
    /**
     * A stream that a kind offers; the REST interface has it below the resource.
     *
     * @param name last part of its path
     * @param summary one sentence for the documentation
     * @param mediaType of what is written
     * @param parameters that it takes
     */
    record Offer(String name, String summary, String mediaType, List<Parameter> parameters) {
        public Offer {
            parameters = List.copyOf(parameters);
        }
    }

    /**
     * Writes until there is no more to come; blocks. Called once, on a thread of its own.
     *
     * @throws IOException if the reader has gone
     */
    void writeTo(OutputStream out) throws IOException, InterruptedException;
}
