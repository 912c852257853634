package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.Closer;
import io.vireo.linux.Fd;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.Reactor;
import io.vireo.transport.vhostuser.Journal.Counter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The conversation with one front end, from its connection to its end. What each request does is
 * {@link RequestHandler}'s. Runs on the control reactor.
 *
 * <p>Messages are handled one after the other. One that needs the queues' reactors makes the
 * session {@code busy}: the connection delivers nothing until it is done. The session may be
 * dropped at any time; then it drains its queues and resets the device, gives memory and
 * descriptors back, and only then {@code ended} runs.
 */
final class Session implements Connection.Handler, RequestHandler.Answers {
    /**
     * What a session lives in.
     *
     * @param device that is presented
     * @param journal of the endpoint
     * @param control the reactor that it runs on
     * @param reactors all that may touch guest memory
     * @param scratch for sending and receiving
     * @param patienceNanos for half a message
     * @param ringReset whether front ends convey the reset of one queue
     * @param closer of the endpoint: closes what comes from its front ends
     */
    record Context(
            VirtioDevice device,
            Journal journal,
            Reactor control,
            List<Reactor> reactors,
            NativeBuffer scratch,
            long patienceNanos,
            boolean ringReset,
            Closer closer) {}

    private final Journal journal;
    private final Runnable changed;
    private final Runnable ended;
    private final RequestHandler handler;
    private final Connection connection;
    private boolean heard;
    private boolean busy;
    private boolean deferred;
    private boolean dropped;
    private @Nullable Runnable whenIdle;

    /**
     * Begins to serve a connection.
     *
     * @param changed runs when what {@link #running} says may have changed
     * @param ended runs once, when everything is given back
     */
    Session(Context context, UnixSocket socket, Runnable changed, Runnable ended) {
        this.changed = changed;
        this.ended = ended;
        journal = context.journal();
        handler = new RequestHandler(context, this);
        connection =
                new Connection(
                        socket,
                        context.control(),
                        context.scratch(),
                        context.patienceNanos(),
                        this,
                        context.closer());
        journal.count(Counter.SESSIONS);
    }

    /** Whether at least one queue is served. */
    boolean running() {
        return handler.running();
    }

    /** Whether the front end has sent a message. */
    boolean heard() {
        return heard;
    }

    /** Its connection is closed already. */
    @Override
    public boolean dropped() {
        return dropped;
    }

    @Override
    public void changed() {
        changed.run();
    }

    /** Takes note of whether the other side is still there. */
    void probe() {
        connection.receive();
    }

    /** The configuration space changed. */
    void configChanged() {
        if (!dropped) {
            handler.configChanged();
        }
    }

    /** See {@link RequestHandler#freeStuck}. */
    void freeStuck() {
        handler.freeStuck();
    }

    @Override
    public void message(Message message) {
        journal.count(Counter.MESSAGES);
        heard = true;
        var request = Request.of(message.number());
        try {
            if (request == null) {
                throw new ViolationException("there is no such request");
            }
            request.check(message, handler.protocolFeatures());
            deferred = false;
            handler.handle(request, message);
            if (!deferred && !request.hasReplyBody()) {
                acknowledge(message, 0);
            }
        } catch (ViolationException e) {
            refuse(request, message, e);
        } catch (RuntimeException e) {
            // A bug; it ends this session only.
            fail("bug", describe(request, message) + " could not be handled: " + e);
            giveUp();
        } finally {
            message.closeFds();
        }
    }

    @Override
    public void gone(String why) {
        journal.info("the front end has gone: " + why);
        end();
    }

    @Override
    public void malformed(String rule) {
        fail(rule, "front end broke the framing: " + rule);
    }

    // ---- pauses

    /**
     * Stops the queues between two requests and takes no message until {@link #resume}. {@code
     * onPaused} runs unless the session ends first.
     */
    void pause(Runnable onPaused) {
        if (busy) {
            whenIdle = () -> pause(onPaused);
            return;
        }
        busy = true;
        connection.pause();
        handler.quiesce(onPaused);
    }

    /** Has the queues that ran go on, on the reactors that the device names now. */
    void resume() {
        handler.resume(failure -> {
            if (failure != null) {
                fail("resume", "a queue cannot go on: " + failure);
            }
            busy = false;
            changed.run();
            goOn();
        });
    }

    // ---- answers

    @Override
    public void begin() {
        busy = true;
        deferred = true;
        connection.pause();
    }

    @Override
    public void finish(Request request, Message message, @Nullable ViolationException failure) {
        busy = false;
        changed.run();
        if (!dropped) {
            if (failure != null) {
                refuse(request, message, failure);
            } else if (!request.hasReplyBody()) {
                acknowledge(message, 0);
            }
        }
        goOn();
    }

    /** Nobody may be left to finish what was begun; what rings are at finishes by itself. */
    private void giveUp() {
        if (busy && deferred && handler.atRest()) {
            busy = false;
            goOn();
        }
    }

    /** Does what has waited, or takes messages again. */
    private void goOn() {
        var next = whenIdle;
        if (next != null) {
            whenIdle = null;
            next.run();
        } else {
            connection.resume();
        }
    }

    @Override
    public void reply(Message message, long value) {
        var body = new byte[8];
        Message.putU64(body, 0, value);
        reply(message, body, null);
    }

    @Override
    public void reply(Message message, byte[] body, @Nullable Fd fd) {
        connection.reply(message.number(), body, fd);
    }

    private boolean acknowledges(Message message) {
        return (handler.protocolFeatures() & Bits.REPLY_ACK) != 0 && message.needsReply();
    }

    private void acknowledge(Message message, long result) {
        if (acknowledges(message)) {
            reply(message, result);
        }
    }

    private void refuse(@Nullable Request request, Message message, ViolationException violation) {
        var name = request == null ? "request " + message.number() : request.name();
        var cause = name + ": " + violation.rule();
        var sentence = "front end sent " + describe(request, message) + ": " + violation.sentence();
        boolean body = request != null && request.hasReplyBody();
        if (request == Request.GET_CONFIG && (handler.protocolFeatures() & Bits.CONFIG) != 0) {
            // The specification's way to say that it failed.
            refused(cause, sentence);
            reply(message, new byte[0], null);
        } else if (!body && acknowledges(message)) {
            refused(cause, sentence);
            acknowledge(message, 1);
        } else {
            fail(cause, sentence);
        }
    }

    private void refused(String cause, String sentence) {
        journal.count(Counter.MESSAGES_REFUSED);
        journal.error(cause, sentence + "; refused");
        changed.run();
    }

    private static String describe(@Nullable Request request, Message message) {
        return request == null
                ? "request " + Integer.toUnsignedString(message.number())
                : request.describe(message);
    }

    // ---- the end

    /** Ends the session for a reason that is not the front end's. */
    void close() {
        end();
    }

    @Override
    public void fail(String cause, String sentence) {
        if (!dropped) {
            journal.count(Counter.SESSIONS_DROPPED);
            journal.error(cause, sentence + "; connection closed");
            end();
        }
    }

    private void end() {
        if (dropped) {
            return;
        }
        dropped = true;
        connection.close();
        changed.run();
        if (busy) {
            whenIdle = this::tearDown;
        } else {
            tearDown();
        }
    }

    private void tearDown() {
        handler.close(ended);
    }
}
