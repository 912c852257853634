package io.vireo.control.testing;

import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metric;
import io.vireo.resource.Operation;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Spec;
import io.vireo.resource.Status;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Something that pretends to run. */
public final class FakeRealization implements Realization {
    private final FakeWorld world;
    private final Reference reference;
    private final Runnable statusChanged;
    private volatile Spec spec;
    private volatile boolean connected;
    private volatile boolean broken;
    private volatile int mended;
    private volatile Map<String, String> attributes = Map.of();
    private volatile List<Condition> others = List.of();

    FakeRealization(FakeWorld world, Reference reference, Spec spec, Runnable statusChanged) {
        this.world = world;
        this.reference = reference;
        this.spec = spec;
        this.statusChanged = statusChanged;
    }

    public Reference reference() {
        return reference;
    }

    public Spec spec() {
        return spec;
    }

    void become(Spec changed) {
        spec = changed;
    }

    /** Has its status say more. */
    public void say(Map<String, String> more) {
        attributes = more;
    }

    /** Has it be in another condition beside that of its guest. */
    public void become(Condition other) {
        others = List.of(other);
        statusChanged.run();
    }

    /** Pretends that a guest came. */
    public void connect() {
        connected = true;
        statusChanged.run();
    }

    /** Lets it lose what it needs; the third attempt to mend it is good. */
    public void lose() {
        broken = true;
        statusChanged.run();
    }

    /** Whether it lost something and got it back. */
    public boolean isMended() {
        return mended == 3 && !broken;
    }

    @Override
    public boolean mend() {
        if (broken) {
            mended++;
            broken = mended < 3;
        }
        return !broken;
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
    }

    /** Frames in a pcapng file of the least form, each with the filter in it; three were lost. */
    @Override
    public LiveStream stream(LiveStream.Offer offer, Map<String, String> parameters) {
        byte[] frame = parameters.getOrDefault("filter", "").getBytes(StandardCharsets.UTF_8);
        return out -> {
            out.write(block(0x0A0D0D0A, new byte[16]));
            out.write(block(6, frame));
            out.write(block(6, frame));
            var statistics = ByteBuffer.allocate(28).order(ByteOrder.LITTLE_ENDIAN);
            statistics.position(12).putShort((short) 5).putShort((short) 8).putLong(3);
            out.write(block(5, statistics.array()));
        };
    }

    /** Ends those attributes that say {@code session}, but for those that want to stay. */
    @Override
    public List<String> operate(Operation operation, Map<String, String> parameters) {
        String which = "session" + parameters.getOrDefault("session", "");
        List<String> found =
                attributes.keySet().stream().filter(name -> name.startsWith(which)).toList();
        if (found.isEmpty()) {
            throw new ResourceException(ErrorCode.NOT_FOUND, "it has no " + which);
        }
        var left = new LinkedHashMap<>(attributes);
        left.entrySet()
                .removeIf(each ->
                        found.contains(each.getKey()) && !each.getValue().contains("stays"));
        attributes = left;
        world.note(operation.name() + new TreeMap<>(parameters), reference);
        return found;
    }

    /** A block of a pcapng file. */
    public static byte[] block(int type, byte[] body) {
        int length = 12 + (body.length + 3 & -4);
        return ByteBuffer.allocate(length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(type)
                .putInt(length)
                .put(body)
                .putInt(length - 4, length)
                .array();
    }

    @Override
    public Status status() {
        Status base = FakeWorld.status(reference, spec);
        String message = connected ? "a guest is there" : "";
        Map<String, String> shown = new LinkedHashMap<>(base.attributes());
        shown.putAll(attributes);
        var conditions = new ArrayList<Condition>();
        conditions.add(
                new Condition(
                        Condition.CONNECTED,
                        connected,
                        connected ? "GuestThere" : "NoGuest",
                        message));
        conditions.addAll(others);
        return new Status(
                conditions,
                shown,
                List.of(Metric.counter("uses_total", "How often it was used.", 42)));
    }

    @Override
    public void close(Runnable onClosed) {
        world.closing(this, onClosed);
    }
}
