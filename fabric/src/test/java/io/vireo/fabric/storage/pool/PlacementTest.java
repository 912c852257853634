package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.fabric.storage.pool.DrainStatus.State;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** On which members chunks lie, as the pool says or as their volume does. */
class PlacementTest {
    private static final int CHUNK = 16 << 10;
    private static final long DISK = 2 << 20;

    /** So large that chunks are at hand for all that is written at once. */
    private static final long LARGE = 64 << 20;

    private static final Optional<Boolean> IN_TURN = Optional.of(true);
    private static final Optional<Boolean> SEQUENTIAL = Optional.of(false);

    private final Reactor home = Reactor.stepped("placement");
    private final List<BlockDevice> disks = new ArrayList<>();
    private final Map<String, SteppedClient> clients = new HashMap<>();

    @SuppressWarnings("NullAway.Init")
    private StoragePool pool;

    @AfterEach
    void close() {
        abandon();
        home.close();
    }

    private void abandon() {
        clients.values().forEach(SteppedClient::close);
        clients.clear();
        pool.abandon();
    }

    private BlockDevice disk(long bytes) {
        var disk = new SimulatedDisk(disks.size(), new DiskImage(bytes), new DiskLog(), 1, true);
        disk.logging(false);
        disks.add(disk);
        return disk;
    }

    private void create(boolean striped, int members, int copies) {
        create(striped, members, copies, DISK);
    }

    private void create(boolean striped, int members, int copies, long bytes) {
        for (int i = 0; i < members * copies; i++) {
            disk(bytes);
        }
        var config = new PoolConfig(CHUNK, 64 << 10, striped, true).withCopies(copies);
        StoragePool.create(config, disks, home);
        open();
    }

    private void open() {
        pool = StoragePool.open(disks, home, PoolStore.OPTIONS);
    }

    private static VolumeFormat format() {
        return new VolumeFormat(256L * CHUNK, 512, 4096);
    }

    private void volume(String name, Optional<Boolean> striped) {
        pool.createVolume(name, format());
        pool.device(name).striped(striped);
    }

    /** Writes to chunks one after the other; the members that they are on then. */
    private List<Integer> write(String name, int first, int count) {
        for (int i = first; i < first + count; i++) {
            write(name, i);
        }
        return members(name, first, count);
    }

    private void write(String name, int chunk) {
        SteppedClient client =
                clients.computeIfAbsent(name, _ -> new SteppedClient(pool.device(name), home));
        assertThat(client.await(client.write((long) chunk * CHUNK, new byte[4096], false)))
                .isEqualTo(BlockStatus.OK);
    }

    private List<Integer> members(String name, int first, int count) {
        Engine engine = pool.engine();
        Volume volume =
                engine.volumes().all().stream()
                        .filter(v -> v.name.equals(name))
                        .findFirst()
                        .orElseThrow();
        return IntStream.range(first, first + count)
                .mapToObj(i -> engine.tree().find(volume.root, i))
                .map(entry -> PoolFormat.member(entry & PoolFormat.CHUNK_MASK))
                .toList();
    }

    private static void assertInTurn(List<Integer> members, Integer... among) {
        int first = List.of(among).indexOf(members.getFirst());
        assertThat(members)
                .isEqualTo(
                        IntStream.range(first, first + members.size())
                                .mapToObj(i -> among[i % among.length])
                                .toList());
    }

    private void drain(int member) {
        pool.drain(disks.get(member), 0);
        for (int i = 0; i < 200_000 && pool.drainStatus().state() != State.DONE; i++) {
            assertThat(home.step()).as("something is left to do").isPositive();
        }
        assertThat(pool.drainStatus().state()).isEqualTo(State.DONE);
    }

    @Test
    void stripedChunksLieOnTheMembersInTurn() {
        create(true, 3, 1);
        assertThat(pool.isStriped()).isTrue();
        volume("disk", Optional.empty());
        assertInTurn(write("disk", 0, 60), 0, 1, 2);
    }

    @Test
    void sequentialChunksFillOneMemberAfterTheOther() {
        create(false, 3, 1);
        assertThat(pool.isStriped()).isFalse();
        volume("disk", Optional.empty());
        assertThat(write("disk", 0, 120)).isSorted().contains(0, 1);
    }

    @Test
    void aVolumeSaysOtherwiseThanItsPool() {
        create(true, 3, 1);
        volume("row", SEQUENTIAL);
        volume("turn", IN_TURN);
        for (int i = 0; i < 30; i++) {
            write("row", i);
            write("turn", i);
        }
        assertThat(members("row", 0, 30)).containsOnly(0);
        assertInTurn(members("turn", 0, 30), 0, 1, 2);
    }

    @Test
    void volumesThatAreWrittenAtTheSameTimeEachLieOnAllMembers() {
        create(true, 2, 1);
        volume("a", Optional.empty());
        volume("b", Optional.empty());
        for (int i = 0; i < 20; i++) {
            write("a", i);
            write("b", i);
        }
        assertInTurn(members("a", 0, 20), 0, 1);
        assertInTurn(members("b", 0, 20), 0, 1);
        assertThat(members("a", 0, 1)).isNotEqualTo(members("b", 0, 1));
    }

    @Test
    void whatAVolumeSaysHoldsForChunksThatItTakesFromThenOn() {
        create(false, 3, 1);
        volume("disk", IN_TURN);
        List<Integer> before = write("disk", 0, 12);
        assertInTurn(before, 0, 1, 2);
        pool.device("disk").striped(SEQUENTIAL);
        assertThat(write("disk", 12, 12)).containsOnly(0);
        pool.device("disk").striped(IN_TURN);
        assertInTurn(write("disk", 24, 12), 0, 1, 2);
        pool.device("disk").striped(Optional.empty());
        assertThat(write("disk", 36, 12)).containsOnly(0);
        assertThat(write("disk", 0, 12)).as("in place").isEqualTo(before);
    }

    @Test
    void nothingOfItIsOnTheDisks() {
        create(true, 2, 1);
        volume("disk", SEQUENTIAL);
        List<Integer> before = write("disk", 0, 10);
        Objects.requireNonNull(clients.remove("disk")).close();
        pool.close();
        assertThat(PoolCheck.run(disks, home).findings()).isEmpty();
        open();
        assertThat(members("disk", 0, 10)).isEqualTo(before);
        assertInTurn(write("disk", 10, 10), 0, 1);
        pool.device("disk").striped(SEQUENTIAL);
        assertThat(write("disk", 20, 10)).containsOnly(0);
    }

    /** Chunks of its own for what it shares are taken by whoever writes. */
    @Test
    void snapshotsAreLeftWhereTheyAreAndClonesHaveASayOfTheirOwn() {
        create(true, 3, 1);
        volume("disk", SEQUENTIAL);
        write("disk", 0, 12);
        pool.snapshot("disk", "@s");
        pool.cloneVolume("@s", "clone");
        pool.device("disk").striped(IN_TURN);
        pool.device("clone").striped(SEQUENTIAL);
        assertInTurn(write("disk", 0, 12), 0, 1, 2);
        assertThat(write("clone", 0, 6)).containsOnly(0);
        assertThat(members("@s", 0, 12)).containsOnly(0);
        pool.device("clone").striped(IN_TURN);
        assertInTurn(write("clone", 6, 6), 0, 1, 2);
        Objects.requireNonNull(clients.remove("disk")).close();
        pool.rollback("disk", "@s");
        assertThat(members("disk", 0, 12)).containsOnly(0);
        assertInTurn(write("disk", 0, 12), 0, 1, 2);
    }

    @Test
    void roomThatIsReservedForAVolumeIsTakenWhereItSays() {
        create(true, 3, 1);
        pool.createDedicatedVolume("thick", new VolumeFormat(60L * CHUNK, 512, 4096));
        pool.device("thick").striped(SEQUENTIAL);
        assertThat(write("thick", 0, 60)).containsOnly(0);
    }

    @Test
    void membersThatAreMirrorsTakeChunksInTurnWithAllTheirCopies() {
        create(false, 3, 2, LARGE);
        volume("turn", IN_TURN);
        volume("row", Optional.empty());
        assertInTurn(write("turn", 0, 30), 0, 1, 2);
        assertThat(write("row", 0, 20)).containsOnly(0);
        for (int i = 0; i < 3; i++) {
            assertThat(pool.engine().members().get(i).device()).isInstanceOf(MirrorDevice.class);
        }
        assertThat(disks).allSatisfy(disk -> assertThat(disk.counters().writes()).isPositive());
    }

    @Test
    void aMemberThatIsFullIsPassedOver() {
        create(true, 3, 1);
        volume("fill", SEQUENTIAL);
        volume("turn", IN_TURN);
        List<Integer> row = write("fill", 0, 110);
        assertThat(row).isSorted().contains(0, 1);
        assertThat(pool.engine().space().area(0).unused()).isZero();
        assertInTurn(write("turn", 0, 20), 1, 2);
    }

    @Test
    void aMemberThatIsNewTakesPartFromThenOn() {
        create(true, 2, 1);
        volume("turn", IN_TURN);
        volume("row", SEQUENTIAL);
        assertInTurn(write("turn", 0, 20), 0, 1);
        disk(DISK);
        pool.addMember(disks.getLast(), true);
        assertInTurn(write("turn", 20, 30), 0, 1, 2);
        assertThat(write("row", 0, 20)).containsOnly(0);
    }

    /** Also those that only a snapshot has any more, which has no say. */
    @Test
    void chunksThatAreDrainedGoWhereTheirVolumeSays() {
        create(true, 4, 1, LARGE);
        volume("row", SEQUENTIAL);
        volume("other", Optional.empty());
        assertThat(write("row", 0, 20)).containsOnly(0);
        pool.snapshot("row", "@s");
        write("row", 0, 10);
        pool.device("other").striped(SEQUENTIAL);
        assertThat(write("other", 0, 20)).containsOnly(0);
        pool.device("other").striped(IN_TURN);
        drain(0);
        assertThat(members("row", 0, 20)).containsOnly(1);
        assertThat(members("@s", 0, 20)).containsOnly(1);
        assertInTurn(members("other", 0, 20), 1, 2, 3);
        assertThat(write("row", 20, 5)).containsOnly(1);
        assertInTurn(write("other", 20, 12), 1, 2, 3);
    }

    @Test
    void noChunkIsTakenOfAMemberThatIsDrained() {
        create(true, 3, 1);
        volume("turn", IN_TURN);
        volume("row", SEQUENTIAL);
        write("turn", 0, 12);
        // It waits for this flush, and goes on meanwhile.
        pool.drain(disks.getFirst(), 1);
        assertThat(write("turn", 12, 12)).doesNotContain(0).contains(1, 2);
        assertThat(write("row", 0, 12)).containsOnly(1);
        pool.cancelDrain();
        assertThat(write("row", 12, 12)).containsOnly(0);
        assertInTurn(write("turn", 24, 12), 0, 1, 2);
    }

    @Test
    void zeroesAndFlushesTakeNoTurn() {
        create(true, 2, 1);
        volume("turn", IN_TURN);
        pool.device("turn").zeroDetection(true);
        write("turn", 0);
        assertThat(
                        pool.engine()
                                .tree()
                                .find(pool.engine().volumes().all().iterator().next().root, 0))
                .isZero();
        pool.device("turn").zeroDetection(false);
        SteppedClient client = Objects.requireNonNull(clients.get("turn"));
        write("turn", 0);
        client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
        assertThat(write("turn", 1, 1)).doesNotContainAnyElementsOf(members("turn", 0, 1));
    }
}
