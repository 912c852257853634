package io.vireo.server;

import static io.vireo.server.PoolBed.SIZE;
import static io.vireo.server.PoolBed.assertFails;
import static io.vireo.server.PoolBed.read;
import static io.vireo.server.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.EncryptionSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.VdiskSpec;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Encryption of vDisks as an operator declares it. */
@Timeout(120)
class PoolEncryptionTest {
    private static final String MARKER = "a marker that only the tenant may read";

    @TempDir Path directory;

    private PoolBed bed;

    @BeforeEach
    void prepare() throws IOException {
        bed = new PoolBed(directory);
        Files.createDirectory(directory.resolve("secrets"));
        secret("one", "1b".repeat(32));
        secret("two", "2c".repeat(32));
    }

    @AfterEach
    void close() {
        bed.close();
    }

    private void secret(String name, String content) throws IOException {
        Path file = directory.resolve("secrets").resolve(name);
        Files.writeString(file, content + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private PoolSpec pool(String key, Optional<String> before, boolean byDefault) {
        return encrypted(bed.spec("a"), Optional.of(new EncryptionSpec(key, before, byDefault)));
    }

    private static PoolSpec encrypted(PoolSpec spec, Optional<EncryptionSpec> encryption) {
        return new PoolSpec(
                spec.type(),
                spec.path(),
                spec.backend(),
                spec.directIo(),
                spec.iops(),
                spec.qosPolicy(),
                spec.disks(),
                spec.warnPercent(),
                encryption,
                List.of());
    }

    private static VdiskSpec vdisk(Optional<String> snapshot, Optional<Boolean> encrypted) {
        return new VdiskSpec(
                "main",
                new Quantity(SIZE),
                512,
                4096,
                VdiskSpec.Allocation.THIN,
                snapshot,
                Optional.empty(),
                Optional.empty(),
                encrypted,
                Optional.empty(),
                false,
                false,
                Optional.empty(),
                VdiskSpec.CacheMode.WRITEBACK);
    }

    private BlockDevice open(String name, VdiskSpec spec, boolean provisioned) {
        return bed.open(bed.vdisks, name, spec, provisioned)
                .contract(BlockDevice.class)
                .orElseThrow();
    }

    private boolean isOnDisk(String text) throws IOException {
        var all =
                new String(Files.readAllBytes(directory.resolve("a")), StandardCharsets.ISO_8859_1);
        return all.contains(text);
    }

    private Map<String, String> attributes(String kind, String name) {
        return bed.running(kind, name).status().attributes();
    }

    @Test
    void aPoolThatNamesAKeyEncryptsWhatDoesNotSayOtherwise() throws Exception {
        bed.openPool(pool("one", Optional.empty(), true), false);
        BlockDevice disk = open("disk", vdisk(Optional.empty(), Optional.empty()), false);
        write(disk, 0, MARKER);
        assertThat(attributes(Kinds.VDISK, "disk")).containsEntry("encryption", "AES-256-XTS");
        assertThat(isOnDisk(MARKER)).isFalse();
        BlockDevice open = open("open", vdisk(Optional.empty(), Optional.of(false)), false);
        write(open, 0, "for everybody");
        assertThat(isOnDisk("for everybody")).isTrue();
        bed.closeAll();
        bed.openPool(pool("one", Optional.empty(), true), true);
        assertThat(read(open("disk", vdisk(Optional.empty(), Optional.empty()), true), 0))
                .isEqualTo(MARKER);
        bed.closeAll();
    }

    @Test
    void snapshotsAndWhatIsMadeOfThemAreWhatTheirVdiskIs() throws Exception {
        bed.openPool(pool("one", Optional.empty(), false), false);
        write(open("disk", vdisk(Optional.empty(), Optional.of(true)), false), 0, MARKER);
        bed.openSnapshot("monday", "disk", Optional.empty());
        assertFails(
                ErrorCode.INVALID,
                "set encrypted to true",
                () -> open("copy", vdisk(Optional.of("monday"), Optional.of(false)), false));
        BlockDevice copy = open("copy", vdisk(Optional.of("monday"), Optional.empty()), false);
        assertThat(read(copy, 0)).isEqualTo(MARKER);
        assertThat(attributes(Kinds.VDISK, "copy")).containsKey("encryption");
        bed.closeAll();
    }

    @Test
    void withoutTheKeyTheOthersWork() throws Exception {
        bed.openPool(pool("one", Optional.empty(), true), false);
        write(open("disk", vdisk(Optional.empty(), Optional.empty()), false), 0, MARKER);
        write(open("open", vdisk(Optional.empty(), Optional.of(false)), false), 0, "plain");
        bed.closeAll();
        Files.move(directory.resolve("secrets/one"), directory.resolve("secrets/away"));
        bed.openPool(pool("one", Optional.empty(), true), true);
        assertThat(attributes(Kinds.POOL, "main").get("encryption"))
                .contains("there is no secret one");
        assertFails(
                ErrorCode.UNAVAILABLE,
                "there is no secret one",
                () -> open("disk", vdisk(Optional.empty(), Optional.empty()), true));
        assertThat(read(open("open", vdisk(Optional.empty(), Optional.of(false)), true), 0))
                .isEqualTo("plain");
        secret("one", "2c".repeat(32));
        assertFails(
                ErrorCode.UNAVAILABLE,
                "previousKeySecret",
                () -> open("disk", vdisk(Optional.empty(), Optional.empty()), true));
        secret("one", "1b".repeat(32));
        assertThat(read(open("disk", vdisk(Optional.empty(), Optional.empty()), true), 0))
                .isEqualTo(MARKER);
        bed.closeAll();
    }

    @Test
    void theMasterKeyIsReplacedWhileVdisksAreInUse() throws Exception {
        PoolSpec before = pool("one", Optional.empty(), true);
        bed.openPool(before, false);
        BlockDevice disk = open("disk", vdisk(Optional.empty(), Optional.empty()), false);
        write(disk, 0, MARKER);
        var metadata = Metadata.of("main", "main");
        assertThat(bed.pools.validateUpdate(metadata, before, pool("two", Optional.empty(), true)))
                .extracting(Violation::pointer)
                .containsExactly("/spec/encryption/previousKeySecret");
        PoolSpec after = pool("two", Optional.of("one"), true);
        bed.changePool(before, after);
        assertThat(attributes(Kinds.POOL, "main"))
                .containsEntry("encryption", "master key: secret two");
        assertThat(read(disk, 0)).isEqualTo(MARKER);
        assertThat(
                        bed.pools.update(
                                bed.running(Kinds.POOL, "main"),
                                metadata,
                                after,
                                bed.spec("a"),
                                bed.context(true)))
                .isInstanceOf(UpdateResult.Refused.class);
        bed.closeAll();
        Files.delete(directory.resolve("secrets/one"));
        bed.openPool(pool("two", Optional.empty(), true), true);
        assertThat(read(open("disk", vdisk(Optional.empty(), Optional.empty()), true), 0))
                .isEqualTo(MARKER);
        bed.closeAll();
    }

    @Test
    void whatCannotBeIsRefusedWithASentence() throws Exception {
        PoolSpec plain = bed.spec("a");
        bed.openPool(plain, false);
        assertFails(
                ErrorCode.UNSUPPORTED,
                "spec.encryption.keySecret",
                () -> open("disk", vdisk(Optional.empty(), Optional.of(true)), false));
        bed.closeAll();
        var ram =
                encrypted(
                        new PoolSpec(
                                PoolSpec.Type.RAM,
                                Optional.empty(),
                                plain.backend(),
                                true,
                                plain.iops(),
                                Optional.empty(),
                                Optional.empty(),
                                80),
                        Optional.of(new EncryptionSpec("one", Optional.of("one"), true)));
        assertThat(bed.pools.validate(Metadata.of("ram", "ram"), ram))
                .extracting(Violation::pointer)
                .containsExactly("/spec/encryption", "/spec/encryption/previousKeySecret");
    }

    @Test
    void whatIsFoundInAPoolIsNamedAsItIs() throws Exception {
        bed.openPool(pool("one", Optional.empty(), true), false);
        open("disk", vdisk(Optional.empty(), Optional.empty()), false);
        open("open", vdisk(Optional.empty(), Optional.of(false)), false);
        var out = new ByteArrayOutputStream();
        LiveStream stream =
                bed.running(Kinds.POOL, "main").stream(bed.pools.streams().getFirst(), Map.of());
        stream.writeTo(out);
        String contents = out.toString(StandardCharsets.UTF_8);
        assertThat(List.of(contents.split("\\{\"apiVersion\"")))
                .anyMatch(item -> item.contains("\"disk\"") && item.contains("\"encrypted\":true"))
                .anyMatch(
                        item -> item.contains("\"open\"") && item.contains("\"encrypted\":false"));
        assertThat(contents).doesNotContain("1b1b");
        bed.closeAll();
    }
}
