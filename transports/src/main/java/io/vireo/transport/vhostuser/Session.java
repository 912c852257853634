package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.Fd;
import io.vireo.linux.NativeBuffer;
import io.vireo.linux.UnixSocket;
import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import io.vireo.transport.vhostuser.Journal.Counter;
import io.vireo.virtqueue.InflightRegion;
import io.vireo.virtqueue.Virtqueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The state machine of one front end, from its connection to its end: what each message does. Runs
 * on the control reactor.
 *
 * <p>Messages are handled one after the other. One that needs the queues' reactors makes the
 * session {@code busy}: the connection delivers nothing until it is done. The session may be
 * dropped at any time; then it drains its queues and resets the device, gives memory and
 * descriptors back, and only then {@code ended} runs.
 */
final class Session implements Connection.Handler {
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
     */
    record Context(
            VirtioDevice device,
            Journal journal,
            Reactor control,
            List<Reactor> reactors,
            NativeBuffer scratch,
            long patienceNanos,
            boolean ringReset) {}

    private final Context context;
    private final VirtioDevice device;
    private final Journal journal;
    private final Offer offer;
    private final Runnable changed;
    private final Runnable ended;
    private final Connection connection;
    private final MemoryTable memory;
    private final MemoryGuard guard;
    private final Rings rings;
    private final ConfigSpace configSpace;
    private final DirtyLogging logging;
    private @Nullable Inflight inflight;
    private @Nullable BackendChannel backend;
    private long features;
    private long protocolFeatures;
    private int status;
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
        this.context = context;
        this.changed = changed;
        this.ended = ended;
        device = context.device();
        journal = context.journal();
        offer = Offer.of(device, context.ringReset());
        memory = new MemoryTable(journal);
        rings = new Rings(device, context.control());
        configSpace = new ConfigSpace(device);
        logging = new DirtyLogging(rings, context.control());
        guard = new MemoryGuard(context, memory, rings.all(), this::memoryLost);
        connection =
                new Connection(
                        socket,
                        context.control(),
                        context.scratch(),
                        context.patienceNanos(),
                        this);
        journal.count(Counter.SESSIONS);
    }

    /** Whether at least one queue is served. */
    boolean running() {
        return rings.all().stream().anyMatch(Vring::serving);
    }

    /** Whether the front end has sent a message. */
    boolean heard() {
        return heard;
    }

    /** Whether the session is ending: its connection is closed already. */
    boolean dropped() {
        return dropped;
    }

    /** Takes note of whether the other side is still there. */
    void probe() {
        connection.receive();
    }

    /** The configuration space changed. */
    void configChanged() {
        if (backend != null && (protocolFeatures & Bits.CONFIG) != 0 && !dropped) {
            backend.configChanged();
        }
    }

    /** Frees reactors that hang in an eventfd of this front end. */
    void freeStuck() {
        for (var ring : rings.all()) {
            if (ring.signals().freeStuck()) {
                journal.count(Counter.EVENTFDS_FREED);
                fail(
                        "blocked eventfd",
                        "the front end made the eventfd of queue " + ring.index() + " block");
            }
        }
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
            request.check(message, protocolFeatures);
            deferred = false;
            handle(request, message);
            if (!deferred && !request.hasReplyBody()) {
                acknowledge(message, 0);
            }
        } catch (ViolationException e) {
            refuse(request, message, e);
        } catch (RuntimeException e) {
            // A bug; it ends this session only.
            fail("bug", describe(request, message) + " could not be handled: " + e);
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

    private void handle(Request request, Message message) throws ViolationException {
        switch (request) {
            case GET_FEATURES -> reply(message, offer.features());
            case SET_FEATURES -> setFeatures(request, message);
            case SET_OWNER -> {}
            // Deprecated; the specification recommends to ignore it.
            case RESET_OWNER -> {}
            case SET_MEM_TABLE -> changeMemory(request, message, memory.set(message));
            case ADD_MEM_REG -> changeMemory(request, message, memory.add(message));
            case REM_MEM_REG -> changeMemory(request, message, memory.remove(message));
            case SET_VRING_NUM -> {
                rings.of(message).size(message.u32(4));
                startReady(request, message);
            }
            case SET_VRING_ADDR -> {
                rings.setAddresses(message, memory.memory());
                if (rings.of(message).running()) {
                    begin();
                    logging.publish(() -> finish(request, message, null));
                } else {
                    startReady(request, message);
                }
            }
            case SET_VRING_BASE -> {
                rings.of(message).base(message.u32(4));
                startReady(request, message);
            }
            case GET_VRING_BASE -> getBase(message);
            case SET_VRING_KICK -> {
                var kick = VringFd.of(message, rings.size());
                rings.get(kick.index()).kick(kick.fd());
                startReady(request, message);
            }
            case SET_VRING_CALL -> {
                var call = VringFd.of(message, rings.size());
                var ring = rings.get(call.index());
                ring.reactor().execute(() -> ring.signals().call(call.fd()));
            }
            case SET_VRING_ERR -> {
                var error = VringFd.of(message, rings.size());
                var ring = rings.get(error.index());
                ring.reactor().execute(() -> ring.signals().error(error.fd()));
            }
            case GET_PROTOCOL_FEATURES -> reply(message, offer.protocolFeatures());
            case SET_PROTOCOL_FEATURES -> setProtocolFeatures(message);
            case GET_QUEUE_NUM -> reply(message, offer.queueNumber());
            case SET_VRING_ENABLE -> enable(request, message);
            case NET_SET_MTU -> setMtu(message);
            case SET_BACKEND_REQ_FD -> setBackend(message);
            case GET_CONFIG -> connection.reply(message.number(), configSpace.read(message), null);
            case SET_CONFIG -> configSpace.write(message);
            case GET_INFLIGHT_FD -> getInflight(message);
            case SET_INFLIGHT_FD -> setInflight(message);
            case GET_MAX_MEM_SLOTS -> reply(message, MemoryTable.MAX_SLOTS);
            case RESET_DEVICE -> reset(request, message);
            case SET_STATUS -> setStatus(request, message);
            case GET_STATUS -> reply(message, status);
            case SET_LOG_BASE -> setLogBase(message);
            case SET_LOG_FD -> {}
            case SEND_RARP -> announce(message);
            case IOTLB_MSG,
                    SET_VRING_ENDIAN,
                    CREATE_CRYPTO_SESSION,
                    CLOSE_CRYPTO_SESSION,
                    POSTCOPY_ADVISE,
                    POSTCOPY_LISTEN,
                    POSTCOPY_END,
                    GPU_SET_SOCKET,
                    VRING_KICK,
                    GET_SHARED_OBJECT,
                    SET_DEVICE_STATE_FD,
                    CHECK_DEVICE_STATE ->
                    throw new ViolationException("it was not offered");
        }
    }

    // ---- features

    private void setFeatures(Request request, Message message) throws ViolationException {
        long wanted = message.u64(0);
        if ((wanted & ~offer.features()) != 0) {
            throw new ViolationException("only offered features can be taken");
        }
        if (wanted == features) {
            return;
        }
        long change = wanted ^ features;
        if ((change & ~Bits.LOG_ALL) != 0) {
            rings.requireStopped();
            rings.format((wanted & Bits.RING_PACKED) != 0);
            device.negotiated(wanted & ~(Bits.PROTOCOL_FEATURES | Bits.LOG_ALL));
        }
        features = wanted;
        if ((change & Bits.LOG_ALL) != 0) {
            logging.enable((wanted & Bits.LOG_ALL) != 0);
            begin();
            logging.publish(() -> finish(request, message, null));
        }
    }

    private boolean isPacked() {
        return (features & Bits.RING_PACKED) != 0;
    }

    private void setProtocolFeatures(Message message) throws ViolationException {
        long wanted = message.u64(0);
        if ((wanted & ~offer.protocolFeatures()) != 0) {
            throw new ViolationException("only offered features can be taken");
        }
        protocolFeatures = wanted;
    }

    // ---- rings

    private void enable(Request request, Message message) throws ViolationException {
        var ring = rings.of(message);
        int to = message.u32(4);
        if (to != 0 && to != 1) {
            throw new ViolationException("a ring is enabled (1) or disabled (0)");
        }
        ring.enable(to == 1);
        if (ring.running()) {
            begin();
            ring.follow(() -> finish(request, message, null));
        } else {
            startReady(request, message);
        }
    }

    private void getBase(Message message) throws ViolationException {
        var ring = rings.of(message);
        ring.forgetKick();
        if (!ring.running()) {
            replyBase(message, ring);
            return;
        }
        begin();
        ring.stop(() -> {
            changed.run();
            replyBase(message, ring);
            finish(Request.GET_VRING_BASE, message, null);
        });
    }

    private void replyBase(Message message, Vring ring) {
        var body = new byte[8];
        Message.putU32(body, 0, ring.index());
        Message.putU32(body, 4, ring.base());
        if ((features & Bits.RING_RESET) != 0) {
            ring.forgetPlace();
        }
        connection.reply(message.number(), body, null);
    }

    /** Starts what the last message made ready. */
    private void startReady(Request request, Message message) throws ViolationException {
        var ready = rings.ready(features);
        if (ready.isEmpty()) {
            return;
        }
        if ((features & Bits.VERSION_1) == 0) {
            ready.get().forgetKick();
            throw new ViolationException("a ring is started only with VIRTIO_F_VERSION_1");
        }
        begin();
        start(ready.get(), failure -> started(request, message, failure));
    }

    private void started(Request request, Message message, @Nullable String failure) {
        if (failure != null) {
            finish(request, message, new ViolationException(failure));
            return;
        }
        var next = rings.ready(features);
        if (next.isPresent() && !dropped) {
            start(next.get(), another -> started(request, message, another));
        } else {
            finish(request, message, null);
        }
    }

    private void start(Vring ring, Consumer<@Nullable String> done) {
        var record = inflight;
        Optional<InflightRegion> region =
                record == null ? Optional.empty() : record.region(ring.index());
        ring.start(
                features,
                memory.memory(),
                region,
                logging.current(),
                this::queueFailed,
                failure -> {
                    if (failure != null) {
                        ring.forgetKick();
                    } else {
                        noteRecovered(ring.queue());
                    }
                    done.accept(failure);
                });
    }

    private void noteRecovered(@Nullable Virtqueue queue) {
        if (queue != null && queue.recovered() > 0) {
            journal.add(Counter.INFLIGHT_RECOVERED, queue.recovered());
            journal.info(
                    queue.recovered()
                            + " requests of queue "
                            + queue.index()
                            + " were in flight and are taken up again");
        }
    }

    /** A driver broke a rule of VIRTIO; on the queue's reactor, in the middle of a turn. */
    private void queueFailed(Virtqueue queue, String cause) {
        rings.get(queue.index()).signals().signalError();
        context.control()
                .execute(() -> {
                    journal.count(Counter.QUEUES_BROKEN);
                    status |= Bits.STATUS_NEEDS_RESET;
                    fail("queue: " + cause, "queue " + queue.index() + " is broken: " + cause);
                });
    }

    // ---- memory

    private void changeMemory(Request request, Message message, MemoryTable.Change change)
            throws ViolationException {
        try {
            rings.checkMemory(change.memory());
            logging.checkMemory(change.memory());
        } catch (ViolationException e) {
            change.abandon();
            throw e;
        }
        memory.commit(change);
        begin();
        guard.publish(failure -> {
            guard.retire(
                    change.removed().stream().map(MemoryTable.Region::file).toList(), () -> {});
            finish(request, message, failure == null ? null : new ViolationException(failure));
        });
    }

    private void memoryLost() {
        journal.count(Counter.MEMORY_LOST);
        fail("memory lost", "the front end took guest memory away");
    }

    // ---- configuration space

    private void setMtu(Message message) throws ViolationException {
        long mtu = message.u64(0);
        if (mtu < 0 || mtu > 0xffff || !device.setMtu((int) mtu)) {
            throw new ViolationException("the network has another MTU");
        }
    }

    private void setBackend(Message message) throws ViolationException {
        if (backend != null) {
            backend.close();
            backend = null;
        }
        backend = BackendChannel.of(message.takeFd(), context.control(), context.scratch());
    }

    // ---- requests in flight

    private void getInflight(Message message) throws ViolationException {
        try (Fd fd = Inflight.create(message, rings.size(), isPacked())) {
            connection.reply(
                    message.number(), Inflight.answer(message, rings.size(), isPacked()), fd);
        }
    }

    private void setInflight(Message message) throws ViolationException {
        rings.requireStopped();
        var record = Inflight.of(message, rings.size(), isPacked());
        var before = inflight;
        inflight = record;
        rings.all().forEach(Vring::recordGiven);
        if (before != null) {
            guard.retire(List.of(before.file()), () -> {});
        }
        watch();
    }

    /** Tells what to look after besides the memory. */
    private void watch() {
        var files = new ArrayList<MemoryTable.SharedFile>();
        if (inflight != null) {
            files.add(inflight.file());
        }
        logging.file().ifPresent(files::add);
        guard.watch(files);
    }

    // ---- migration

    private void setLogBase(Message message) throws ViolationException {
        var before = logging.replace(message, memory.memory());
        watch();
        begin();
        logging.publish(() -> {
            before.ifPresent(file -> guard.retire(List.of(file), () -> {}));
            reply(message, 0);
            finish(Request.SET_LOG_BASE, message, null);
        });
    }

    private void announce(Message message) throws ViolationException {
        try {
            // The first octet of the address is the first byte of the payload.
            var address = new MacAddress(Long.reverseBytes(message.u64(0)) >>> Short.SIZE);
            if (!device.announce(address)) {
                throw new ViolationException("the device has no address");
            }
        } catch (IllegalArgumentException e) {
            throw new ViolationException("the address of a station is announced", e);
        }
    }

    // ---- device

    private void setStatus(Request request, Message message) throws ViolationException {
        long value = message.u64(0);
        if ((value & ~0xff) != 0) {
            throw new ViolationException("the device status has 8 bits");
        }
        if (value == 0) {
            reset(request, message);
        } else {
            status = (int) value;
        }
    }

    private void reset(Request request, Message message) {
        begin();
        rings.stopAll(() ->
                resetDevice(() -> {
                    rings.all().forEach(Vring::reset);
                    features = 0;
                    logging.enable(false);
                    status = 0;
                    finish(request, message, null);
                }));
    }

    private void resetDevice(Runnable done) {
        device.reset(() -> context.control().execute(done));
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
        rings.quiesce(onPaused);
    }

    /** Has the queues that ran go on, on the reactors that the device names now. */
    void resume() {
        rings.rehome();
        goOn(null);
    }

    private void goOn(@Nullable String failure) {
        if (failure != null) {
            fail("resume", "a queue cannot go on: " + failure);
        }
        var next = dropped ? Optional.<Vring>empty() : rings.ready(features);
        if (next.isPresent()) {
            start(next.get(), this::goOn);
        } else {
            busy = false;
            changed.run();
            goOn();
        }
    }

    // ---- answers

    /** The answer to this message comes by {@link #finish}, and no other message before it. */
    private void begin() {
        busy = true;
        deferred = true;
        connection.pause();
    }

    /** Ends what {@link #begin} began: answers, or drops, and goes on. */
    private void finish(Request request, Message message, @Nullable ViolationException failure) {
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

    private void reply(Message message, long value) {
        var body = new byte[8];
        Message.putU64(body, 0, value);
        connection.reply(message.number(), body, null);
    }

    private boolean acknowledges(Message message) {
        return (protocolFeatures & Bits.REPLY_ACK) != 0 && message.needsReply();
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
        if (request == Request.GET_CONFIG && (protocolFeatures & Bits.CONFIG) != 0) {
            // The specification's way to say that it failed.
            refused(cause, sentence);
            connection.reply(message.number(), new byte[0], null);
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

    private void fail(String cause, String sentence) {
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
        rings.stopAll(() -> resetDevice(this::giveBack));
    }

    private void giveBack() {
        rings.all().forEach(Vring::close);
        if (backend != null) {
            backend.close();
        }
        var files =
                new ArrayList<>(memory.regions().stream().map(MemoryTable.Region::file).toList());
        if (inflight != null) {
            files.add(inflight.file());
        }
        logging.file().ifPresent(files::add);
        guard.close();
        guard.retire(files, ended);
    }
}
