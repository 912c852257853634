package io.vireo.server;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.lang.invoke.VarHandle;
import org.junit.jupiter.api.Test;

/** Who may import whom: section "Who may import whom" of ARCHITECTURE.md. */
class WallsTest {
    private static final JavaClasses CLASSES =
            new ClassFileImporter()
                    .withImportOption(new ImportOption.DoNotIncludeTests())
                    .importPackages("io.vireo");

    private static final String[] DATA_PLANE = {
        "io.vireo.linux..",
        "io.vireo.memory..",
        "io.vireo.reactor..",
        "io.vireo.virtqueue..",
        "io.vireo.net..",
        "io.vireo.block..",
        "io.vireo.scsi..",
        "io.vireo.device..",
        "io.vireo.transport..",
        "io.vireo.adapter..",
        "io.vireo.fabric.."
    };

    private static final String[] KINDS_OF_THINGS = {
        "io.vireo.adapter..",
        "io.vireo.fabric..",
        "io.vireo.device.scsi..",
        "io.vireo.device.virtio..",
        "io.vireo.transport.iscsi..",
        "io.vireo.transport.qmp..",
        "io.vireo.transport.vhostuser.."
    };

    @Test
    void everythingIsSeen() {
        assertThat(CLASSES.size()).isGreaterThan(150);
        for (var name :
                new String[] {
                    "io.vireo.linux.ForeignMemory",
                    "io.vireo.virtqueue.Virtqueue",
                    "io.vireo.control.ControlPlane",
                    "io.vireo.server.Daemon"
                }) {
            assertThat(CLASSES.contain(name)).as(name).isTrue();
        }
    }

    @Test
    void linuxImportsNothingOfOurs() {
        check(
                noClasses()
                        .that()
                        .resideInAPackage("io.vireo.linux..")
                        .should()
                        .dependOnClassesThat(
                                resideInAnyPackage("io.vireo..")
                                        .and(not(resideInAnyPackage("io.vireo.linux..")))));
    }

    @Test
    void contractsImportNoImplementation() {
        check(
                noClasses()
                        .that()
                        .resideInAnyPackage(
                                "io.vireo.memory..",
                                "io.vireo.reactor..",
                                "io.vireo.virtqueue..",
                                "io.vireo.net..",
                                "io.vireo.block..",
                                "io.vireo.scsi..",
                                "io.vireo.device",
                                "io.vireo.transport",
                                "io.vireo.resource..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(
                                "io.vireo.adapter..",
                                "io.vireo.fabric..",
                                "io.vireo.device.scsi..",
                                "io.vireo.device.virtio..",
                                "io.vireo.transport.iscsi..",
                                "io.vireo.transport.qmp..",
                                "io.vireo.transport.vhostuser..",
                                "io.vireo.control..",
                                "io.vireo.api..",
                                "io.vireo.cli..",
                                "io.vireo.server.."));
    }

    @Test
    void siblingsDoNotImportEachOther() {
        check(
                slices().matching(
                                "io.vireo.(adapter|fabric|device.virtio|transport.iscsi|transport.qmp|transport.vhostuser)..")
                        .should()
                        .notDependOnEachOther());
        check(slices().matching("io.vireo.device.virtio.(*)..").should().notDependOnEachOther());
        // A directory pool is made of image files, which are read and written by threads or by
        // io_uring. What uplinks have in common is in a package of its own.
        check(
                slices().matching("io.vireo.adapter.(*)..")
                        .should()
                        .notDependOnEachOther()
                        .ignoreDependency(
                                resideInAPackage("io.vireo.adapter.directory.."),
                                resideInAnyPackage(
                                        "io.vireo.adapter.file..", "io.vireo.adapter.uring.."))
                        .ignoreDependency(
                                resideInAPackage("io.vireo.adapter.uring.."),
                                resideInAPackage("io.vireo.adapter.file.."))
                        .ignoreDependency(
                                resideInAnyPackage(
                                        "io.vireo.adapter.tap..",
                                        "io.vireo.adapter.packet..",
                                        "io.vireo.adapter.xdp.."),
                                resideInAPackage("io.vireo.adapter.link..")));
        check(slices().matching("io.vireo.fabric.(*)..").should().notDependOnEachOther());
    }

    @Test
    void devicesAndFabricKnowNoSocketsAndNoFiles() {
        check(
                noClasses()
                        .that()
                        .resideInAnyPackage("io.vireo.device..", "io.vireo.fabric..")
                        .should()
                        .dependOnClassesThat()
                        .haveNameMatching(
                                "io\\.vireo\\.linux\\.(UnixSocket|LinkSocket|PacketSocket|XdpSocket|Epoll|Eventfd|IoUring|Tap|FileCalls|FileSystem.*)|java\\.nio\\.channels\\..*|java\\.net\\..*"));
    }

    @Test
    void theResourceContractKnowsNoDataPlane() {
        check(
                noClasses()
                        .that()
                        .resideInAnyPackage(
                                "io.vireo.resource..",
                                "io.vireo.control..",
                                "io.vireo.api..",
                                "io.vireo.cli..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(DATA_PLANE));
    }

    @Test
    void theCommandLineSpeaksRestOnly() {
        check(
                noClasses()
                        .that()
                        .resideInAPackage("io.vireo.cli..")
                        .should()
                        .dependOnClassesThat(
                                resideInAnyPackage("io.vireo..")
                                        .and(not(resideInAnyPackage("io.vireo.cli..")))));
    }

    @Test
    void nothingImportsTheServer() {
        check(
                noClasses()
                        .that()
                        .resideOutsideOfPackage("io.vireo.server..")
                        .should()
                        .dependOnClassesThat()
                        .resideInAPackage("io.vireo.server.."));
    }

    @Test
    void memoryOrderIsTheBusinessOfVirtqueueAndReactor() {
        var orders =
                target(owner(assignableTo(VarHandle.class)))
                        .and(
                                not(
                                        target(
                                                nameMatching(
                                                        "get|set|getOpaque|setOpaque|withInvokeExactBehavior"))));
        check(
                noClasses()
                        .that()
                        .resideInAnyPackage(KINDS_OF_THINGS)
                        .should()
                        .callMethodWhere(orders));
    }

    private static void check(ArchRule rule) {
        rule.check(CLASSES);
    }
}
