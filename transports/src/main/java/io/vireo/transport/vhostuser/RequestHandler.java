package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.Fd;
import io.vireo.linux.NativeBuffer;
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
 * What each request of a front end does, and what the front end has set by them: features, memory,
 * rings, the record of requests in flight, the dirty log. Runs on the control reactor; one request
 * at a time, as {@link Session} takes care of.
 */
final class RequestHandler {
    /** How requests are answered; the session does it. */
    interface Answers {
        /** Answers with a number. */
        void reply(Message message, long value);

        /** Answers with a body, and a descriptor if there is one, which stays the caller's. */
        void reply(Message message, byte[] body, @Nullable Fd fd);

        /**
         * The request needs other reactors: {@link #finish} ends it, and no message is taken
         * before.
         */
        void begin();

        /**
         * Ends what {@link #begin} began.
         *
         * @param failure why the request is refused; null: it is carried out
         */
        void finish(Request request, Message message, @Nullable ViolationException failure);

        /** Ends the session: see {@link Journal#error}. */
        void fail(String cause, String sentence);

        /** What {@link #running} says may have changed. */
        void changed();

        /** Whether the session is ending. */
        boolean dropped();
    }

    private final VirtioDevice device;
    private final Journal journal;
    private final Reactor control;
    private final NativeBuffer scratch;
    private final Answers answers;
    private final Offer offer;
    private final MemoryTable memory;
    private final MemoryGuard guard;
    private final Rings rings;
    private final ConfigSpace configSpace;
    private final DirtyLogging logging;
    private final List<MemoryTable.SharedFile> lingering = new ArrayList<>();
    private @Nullable Inflight inflight;
    private @Nullable BackendChannel backend;
    private long features;
    private long protocolFeatures;
    private int status;

    RequestHandler(Session.Context context, Answers answers) {
        this.answers = answers;
        device = context.device();
        journal = context.journal();
        control = context.control();
        scratch = context.scratch();
        offer = Offer.of(device, context.ringReset());
        memory = new MemoryTable(journal);
        rings = new Rings(device, control);
        configSpace = new ConfigSpace(device);
        logging = new DirtyLogging(rings, control);
        guard = new MemoryGuard(context, memory, rings.all(), this::memoryLost);
    }

    /** Does what a request asks for; {@link Request#check} found its frame right. */
    void handle(Request request, Message message) throws ViolationException {
        switch (request) {
            case GET_FEATURES -> answers.reply(message, offer.features());
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
                    answers.begin();
                    logging.publish(() -> answers.finish(request, message, null));
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
            case GET_PROTOCOL_FEATURES -> answers.reply(message, offer.protocolFeatures());
            case SET_PROTOCOL_FEATURES -> setProtocolFeatures(message);
            case GET_QUEUE_NUM -> answers.reply(message, offer.queueNumber());
            case SET_VRING_ENABLE -> enable(request, message);
            case NET_SET_MTU -> setMtu(message);
            case SET_BACKEND_REQ_FD -> setBackend(message);
            case GET_CONFIG -> answers.reply(message, configSpace.read(message), null);
            case SET_CONFIG -> writeConfig(request, message);
            case GET_INFLIGHT_FD -> getInflight(message);
            case SET_INFLIGHT_FD -> setInflight(message);
            case GET_MAX_MEM_SLOTS -> answers.reply(message, MemoryTable.MAX_SLOTS);
            case RESET_DEVICE -> reset(request, message);
            case SET_STATUS -> setStatus(request, message);
            case GET_STATUS -> answers.reply(message, status);
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
        if ((wanted & ~(offer.features() | device.formerFeatures())) != 0) {
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
            answers.begin();
            logging.publish(() -> answers.finish(request, message, null));
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
            answers.begin();
            ring.follow(() -> answers.finish(request, message, null));
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
        answers.begin();
        ring.stop(() -> {
            answers.changed();
            replyBase(message, ring);
            answers.finish(Request.GET_VRING_BASE, message, null);
        });
    }

    private void replyBase(Message message, Vring ring) {
        var body = new byte[8];
        Message.putU32(body, 0, ring.index());
        Message.putU32(body, 4, ring.base());
        if ((features & Bits.RING_RESET) != 0) {
            ring.forgetPlace();
        }
        answers.reply(message, body, null);
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
        answers.begin();
        startAll(failure ->
                answers.finish(
                        request,
                        message,
                        failure == null ? null : new ViolationException(failure)));
    }

    /**
     * Starts the rings that are ready, one after the other, unless the session ends.
     *
     * @param done gets what prevented one, or null when no other is ready
     */
    private void startAll(Consumer<@Nullable String> done) {
        var next = answers.dropped() ? Optional.<Vring>empty() : rings.ready(features);
        if (next.isEmpty()) {
            done.accept(null);
            return;
        }
        start(
                next.get(),
                failure -> {
                    if (failure == null) {
                        startAll(done);
                    } else {
                        done.accept(failure);
                    }
                });
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
        control.execute(() -> {
            journal.count(Counter.QUEUES_BROKEN);
            status |= Bits.STATUS_NEEDS_RESET;
            answers.fail("queue: " + cause, "queue " + queue.index() + " is broken: " + cause);
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
        var removed = change.removed().stream().map(MemoryTable.Region::file).toList();
        guard.leave(removed);
        memory.commit(change);
        answers.begin();
        guard.publish(failure -> {
            if (failure == null) {
                guard.retire(removed, () -> {});
                answers.finish(request, message, null);
            } else {
                // A queue that has not followed goes on in the memory that it had.
                lingering.addAll(removed);
                answers.finish(request, message, new ViolationException(failure));
            }
        });
    }

    private void memoryLost(String why) {
        journal.count(Counter.MEMORY_LOST);
        answers.fail("memory lost: " + why, why);
    }

    // ---- configuration space

    private void setMtu(Message message) throws ViolationException {
        long mtu = message.u64(0);
        if (mtu < 0 || mtu > 0xffff || !device.setMtu((int) mtu)) {
            throw new ViolationException("the network has another MTU");
        }
    }

    /** Answered when it is written, on this reactor: at once where that is so by then. */
    private void writeConfig(Request request, Message message) throws ViolationException {
        byte[] contents = configSpace.contents(message);
        answers.begin();
        device.writeConfig(
                message.u32(0),
                contents,
                contents.length,
                failure ->
                        onControl(() ->
                                answers.finish(
                                        request,
                                        message,
                                        failure == null ? null : new ViolationException(failure))));
    }

    private void onControl(Runnable task) {
        if (control.onThread()) {
            task.run();
        } else {
            control.execute(task);
        }
    }

    private void setBackend(Message message) throws ViolationException {
        if (backend != null) {
            backend.close();
            backend = null;
        }
        backend = BackendChannel.of(message.takeFd(), control, scratch);
    }

    // ---- requests in flight

    private void getInflight(Message message) throws ViolationException {
        try (Fd fd = Inflight.create(message, rings.size(), isPacked())) {
            answers.reply(message, Inflight.answer(message, rings.size(), isPacked()), fd);
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
        before.ifPresent(file -> guard.leave(List.of(file)));
        watch();
        answers.begin();
        logging.publish(() -> {
            before.ifPresent(file -> guard.retire(List.of(file), () -> {}));
            answers.reply(message, 0);
            answers.finish(Request.SET_LOG_BASE, message, null);
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
        answers.begin();
        rings.stopAll(() ->
                resetDevice(() -> {
                    rings.all().forEach(Vring::reset);
                    features = 0;
                    logging.enable(false);
                    status = 0;
                    answers.finish(request, message, null);
                }));
    }

    private void resetDevice(Runnable done) {
        device.reset(() -> control.execute(done));
    }

    // ---- what the session does with all of it

    /** The protocol features that the front end took. */
    long protocolFeatures() {
        return protocolFeatures;
    }

    /** Whether at least one queue is served. */
    boolean running() {
        return rings.all().stream().anyMatch(Vring::serving);
    }

    /** Whether no queue is about to start or to stop. */
    boolean atRest() {
        return rings.all().stream().allMatch(ring -> ring.stopped() || ring.running());
    }

    /** The configuration space changed. */
    void configChanged() {
        if (backend != null && (protocolFeatures & Bits.CONFIG) != 0) {
            backend.configChanged();
        }
    }

    /** Frees reactors that hang in an eventfd of this front end. */
    void freeStuck() {
        for (var ring : rings.all()) {
            if (ring.signals().freeStuck()) {
                journal.count(Counter.EVENTFDS_FREED);
                answers.fail(
                        "blocked eventfd",
                        "the front end made the eventfd of queue " + ring.index() + " block");
            }
        }
    }

    /** Stops the queues; {@code done} runs when no reactor has anything left to do for them. */
    void quiesce(Runnable done) {
        rings.quiesce(done);
    }

    /**
     * Has the queues that ran go on, on the reactors that the device names now.
     *
     * @param done gets what prevented it, or null
     */
    void resume(Consumer<@Nullable String> done) {
        rings.rehome();
        startAll(done);
    }

    /**
     * The front end has gone: stops the queues, resets the device and gives memory and descriptors
     * back; then {@code done} runs.
     */
    void close(Runnable done) {
        rings.stopAll(() -> resetDevice(() -> giveBack(done)));
    }

    private void giveBack(Runnable done) {
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
        files.addAll(lingering);
        guard.close();
        guard.retire(files, done);
    }
}
