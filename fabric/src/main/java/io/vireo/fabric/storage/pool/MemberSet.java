package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;

/** The members, polled on the home reactor from the pool's opening to its end. */
final class MemberSet implements Poller {
    private final Reactor home;
    private final Fence fence;
    private final List<Member> members = new ArrayList<>();
    private final Registration registration;

    /** Members that have left, and are closed when what is under way has ended. */
    private final List<Member> leaving = new ArrayList<>();

    private boolean mirrored;
    private Runnable remeasured = () -> {};
    private volatile int atomicWriteSize = BlockGeometry.LARGEST_ATOMIC;
    private IntSupplier turn = () -> 0;

    /** On the home reactor. */
    MemberSet(Reactor home, List<BlockDevice> devices) {
        this.home = home;
        fence = new Fence(home);
        registration = home.add(this);
        devices.forEach(this::add);
    }

    Reactor home() {
        return home;
    }

    /** Somebody else has the pool: nothing is written to the members any more. */
    void lose(String why) {
        fence.lose();
        for (Member member : members) {
            if (member.device() instanceof MirrorDevice mirror) {
                mirror.lose(why);
            }
        }
        wake();
    }

    /** What all changes of members have to pass. */
    Fence fence() {
        return fence;
    }

    int count() {
        return members.size();
    }

    Member get(int index) {
        return members.get(index);
    }

    void add(BlockDevice device) {
        var member = new Member(device, home, registration::wake, fence);
        members.add(member);
        mirrored |= device instanceof MirrorDevice;
        measure();
    }

    /**
     * Bytes of aligned writes that each member has whole or not at all after a loss of power. Any
     * thread.
     */
    int atomicWriteSize() {
        return atomicWriteSize;
    }

    /** What to do when {@link #atomicWriteSize} has changed. */
    void onRemeasured(Runnable task) {
        remeasured = task;
    }

    /** A member may be on other disks than before. */
    void measure() {
        int before = atomicWriteSize;
        atomicWriteSize =
                members.stream()
                        .mapToInt(member -> member.device().geometry().atomicWriteSize())
                        .min()
                        .orElse(BlockGeometry.LARGEST_ATOMIC);
        if (atomicWriteSize != before) {
            remeasured.run();
        }
    }

    /** Whether a member that left has the device, or had it, and is not done with it yet. */
    boolean isLeaving(BlockDevice device) {
        return leaving.stream()
                .map(Member::device)
                .anyMatch(each ->
                        each == device
                                || each instanceof MirrorDevice mirror
                                        && (mirror.isOn(device) || mirror.isHeld(device)));
    }

    /** Whether any of them is kept on several disks. */
    boolean areMirrored() {
        return mirrored;
    }

    /**
     * A member has left the pool: nothing is on it any more.
     *
     * @param header bytes before its first chunk
     */
    void remove(int index, long header) {
        Member old = members.get(index);
        members.set(index, new Member(RemovedDevice.INSTANCE, home, registration::wake, fence));
        leaving.add(old);
        measure();
        new Wipe(old, header, () -> old.close(() -> leaving.remove(old))).start();
    }

    /**
     * Lets go of the last member, which does not belong to the pool after all. It is polled until
     * {@code whenClosed} has run.
     */
    void removeLast(Runnable whenClosed) {
        Member last = members.getLast();
        last.close(() -> {
            members.remove(last);
            measure();
            whenClosed.run();
        });
        registration.wake();
    }

    /** Puts the members into the order that their superblocks say; lets go of those left out. */
    void order(List<Integer> from) {
        var old = List.copyOf(members);
        members.clear();
        from.forEach(index ->
                members.add(
                        index < 0
                                ? new Member(
                                        RemovedDevice.INSTANCE, home, registration::wake, fence)
                                : old.get(index)));
        for (Member member : old) {
            if (!members.contains(member)) {
                leaving.add(member);
                member.close(() -> leaving.remove(member));
            }
        }
        measure();
    }

    /** What else to do in each turn; it returns how much was done. */
    void onTurn(IntSupplier newTurn) {
        turn = newTurn;
    }

    void wake() {
        registration.wake();
    }

    @Override
    public int poll() {
        int work = 0;
        for (int i = 0; i < members.size(); i++) {
            work += members.get(i).poll();
        }
        for (int i = leaving.size() - 1; i >= 0; i--) {
            work += leaving.get(i).poll();
        }
        return work + turn.getAsInt();
    }

    @Override
    public String name() {
        return "storage pool";
    }

    @Override
    public boolean arm() {
        if (!leaving.isEmpty()) {
            return false;
        }
        for (int i = 0; i < members.size(); i++) {
            if (!members.get(i).arm()) {
                for (int j = 0; j < i; j++) {
                    members.get(j).disarm();
                }
                return false;
            }
        }
        return true;
    }

    @Override
    public void disarm() {
        members.forEach(Member::disarm);
    }

    /** Closes all channels; {@code whenClosed} runs after the last. */
    void close(Runnable whenClosed) {
        var all = new ArrayList<>(members);
        all.addAll(leaving);
        var left = new int[] {all.size()};
        for (Member member : all) {
            member.close(() -> {
                if (--left[0] == 0) {
                    registration.close();
                    whenClosed.run();
                }
            });
        }
        registration.wake();
    }
}
