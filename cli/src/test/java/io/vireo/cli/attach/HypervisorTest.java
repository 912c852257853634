package io.vireo.cli.attach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

final class HypervisorTest {
    private static final String UUID = "9d4f3a52-0000-4000-8000-000000000001";
    private static final Guest PLAIN =
            new Guest(
                    "web1",
                    Optional.of(UUID),
                    1L << 30,
                    List.of(
                            new Guest.Nic(
                                    "eth0",
                                    "/run/vireo/web1/eth0.sock",
                                    true,
                                    "56:49:00:00:00:01",
                                    1500,
                                    1,
                                    true,
                                    OptionalInt.empty(),
                                    Optional.empty(),
                                    OptionalInt.empty())),
                    List.of(
                            new Guest.Disk(
                                    "disk0",
                                    "/run/vireo/web1/disk0.sock",
                                    true,
                                    2,
                                    OptionalInt.of(1))),
                    List.of());
    private static final Guest SPECIAL =
            new Guest(
                    "web2",
                    Optional.of(UUID),
                    (512L << 20) - 1,
                    List.of(
                            new Guest.Nic(
                                    "eth0",
                                    "/run/a,b.sock",
                                    false,
                                    "56:49:00:00:00:02",
                                    9000,
                                    4,
                                    false,
                                    OptionalInt.of(25_000),
                                    Optional.of("/run/a,b.qmp"),
                                    OptionalInt.of(1))),
                    List.of(),
                    List.of());

    private static Guest san(boolean listens, int bootLun) {
        return san(listens, bootLun, 1024);
    }

    private static Guest san(boolean listens, int bootLun, int queueDepth) {
        return new Guest(
                "db1",
                Optional.empty(),
                1L << 30,
                List.of(),
                List.of(),
                List.of(
                        new Guest.Hba(
                                "hba0",
                                "/run/vireo/db1/hba0.sock",
                                listens,
                                2,
                                queueDepth,
                                OptionalInt.of(bootLun),
                                OptionalInt.of(1))));
    }

    @Test
    void hostBusAdapters() {
        assertThat(new Qemu(10, 0, false).render(san(true, 0)))
                .isEqualTo(
                        """
                        -m 1024M
                        -object memory-backend-memfd,id=vireo-memory,size=1024M,share=on
                        -machine memory-backend=vireo-memory
                        -chardev socket,id=vireo-hba0,path=/run/vireo/db1/hba0.sock,reconnect-ms=1000
                        -device vhost-user-scsi-pci,chardev=vireo-hba0,num_queues=2,bootindex=1
                        """);
        assertThat(new Qemu(10, 0, true).render(san(true, 0, 32)))
                .contains("num_queues=2,cmd_per_lun=32,bootindex=1\n");
        assertThat(new Qemu(10, 0, true).render(san(true, 0, 128))).doesNotContain("cmd_per_lun");
        assertThat(new Qemu(7, 2, true).render(san(true, 0)))
                .contains("path=/run/vireo/db1/hba0.sock\n")
                .contains("num_queues=2,vectors=0,bootindex=1\n");
        assertThat(new Qemu(7, 2, false).render(san(false, 0))).contains("hba0.sock,server=on\n");
        assertThat(new Qemu(8, 2, false).render(san(true, 0))).contains("hba0.sock,reconnect=1\n");
        assertThat(new Qemu(10, 0, false).render(san(true, 3)))
                .contains("num_queues=2\n")
                .doesNotContain("bootindex");
        assertThat(new Libvirt(new Qemu(10, 0, false)).render(san(true, 0)))
                .contains(
                        """
                        <qemu:commandline>
                          <qemu:arg value='-chardev'/>
                          <qemu:arg value='socket,id=vireo-hba0,path=/run/vireo/db1/hba0.sock,reconnect-ms=1000'/>
                          <qemu:arg value='-device'/>
                          <qemu:arg value='vhost-user-scsi-pci,chardev=vireo-hba0,num_queues=2,bootindex=1'/>
                        </qemu:commandline>
                        """);
        assertThatThrownBy(() -> new CloudHypervisor().render(san(true, 0)))
                .hasMessageContaining("no vhost-user SCSI adapters, as hba0 is one");
    }

    @Test
    void qemu() {
        assertThat(new Qemu(10, 0, false).render(PLAIN))
                .isEqualTo(
                        """
                        -uuid 9d4f3a52-0000-4000-8000-000000000001
                        -m 1024M
                        -object memory-backend-memfd,id=vireo-memory,size=1024M,share=on
                        -machine memory-backend=vireo-memory
                        -chardev socket,id=vireo-eth0,path=/run/vireo/web1/eth0.sock,reconnect-ms=1000
                        -netdev vhost-user,id=vireo-eth0-net,chardev=vireo-eth0
                        -device virtio-net-pci,netdev=vireo-eth0-net,mac=56:49:00:00:00:01
                        -chardev socket,id=vireo-disk0,path=/run/vireo/web1/disk0.sock,reconnect-ms=1000
                        -device vhost-user-blk-pci,chardev=vireo-disk0,num-queues=2,queue-size=1024,bootindex=1
                        """);
    }

    @Test
    void qemuOfOtherVersionsAndForms() {
        assertThat(new Qemu(7, 2, false).render(PLAIN))
                .contains(",reconnect=1\n")
                .doesNotContain("reconnect-ms");
        assertThat(new Qemu(9, 1, false).render(PLAIN)).contains(",reconnect=1\n");
        assertThat(new Qemu(9, 2, false).render(PLAIN)).contains(",reconnect-ms=1000\n");
        assertThat(new Qemu(7, 2, true).render(PLAIN))
                .contains("mac=56:49:00:00:00:01,vectors=0\n");
        assertThat(new Qemu(7, 2, true).render(SPECIAL)).contains(",mq=on,vectors=0,bootindex=1\n");
        assertThat(new Qemu(10, 0, true).render(PLAIN)).doesNotContain("vectors");
        assertThat(new Qemu(10, 0, false).render(SPECIAL))
                .contains("-m 512M\n")
                .contains("path=/run/a,,b.sock,server=on,wait=off\n")
                .contains("chardev=vireo-eth0,queues=4\n")
                .contains("-qmp unix:/run/a,,b.qmp,server=on,wait=off\n")
                .contains(",host_mtu=9000,speed=25000,duplex=full,mq=on,vectors=10,bootindex=1\n");
    }

    @Test
    void libvirt() {
        assertThat(new Libvirt(new Qemu(10, 0, false)).render(PLAIN))
                .contains("<memory unit='KiB'>1048576</memory>")
                .contains(
                        "<memoryBacking>\n  <source type='memfd'/>\n  <access mode='shared'/>\n</memoryBacking>")
                .contains(
                        """
                          <interface type='vhostuser'>
                            <mac address='56:49:00:00:00:01'/>
                            <source type='unix' path='/run/vireo/web1/eth0.sock' mode='client'>
                              <reconnect enabled='yes' timeout='1'/>
                            </source>
                            <model type='virtio'/>
                          </interface>
                        """)
                .contains(
                        """
                          <disk type='vhostuser' device='disk'>
                            <driver name='qemu' type='raw' queues='2' queue_size='1024'/>
                            <source type='unix' path='/run/vireo/web1/disk0.sock'>
                              <reconnect enabled='yes' timeout='1'/>
                            </source>
                            <target dev='vda' bus='virtio'/>
                            <boot order='1'/>
                          </disk>
                        """);
        assertThat(new Libvirt(new Qemu(10, 0, false)).render(SPECIAL))
                .contains("mode='server'/>")
                .contains("<driver queues='4'/>")
                .contains("<mtu size='9000'/>")
                .contains("<link state='down'/>\n    <boot order='1'/>\n  </interface>");
        assertThat(Libvirt.target(25)).isEqualTo("vdz");
        assertThat(Libvirt.target(26)).isEqualTo("vdaa");
    }

    @Test
    void cloudHypervisor() {
        assertThat(new CloudHypervisor().render(PLAIN))
                .isEqualTo(
                        """
                        --platform uuid=9d4f3a52-0000-4000-8000-000000000001
                        --memory size=1024M,shared=on
                        --net
                        vhost_user=true,socket=/run/vireo/web1/eth0.sock,mac=56:49:00:00:00:01,num_queues=2
                        --disk
                        vhost_user=true,socket=/run/vireo/web1/disk0.sock,num_queues=2
                        """);
        assertThatThrownBy(() -> new CloudHypervisor().render(bootsFrom("/run/a,b.sock", 2)))
                .hasMessageContaining("comma");
        assertThat(new CloudHypervisor().render(bootsFrom("/run/a.sock", 2)))
                .contains("--net\nvhost_user=true,socket=/run/a.sock");
        assertThatThrownBy(() -> new CloudHypervisor().render(bootsFrom("/run/a.sock", 0)))
                .hasMessageContaining("as eth0 is to be booted from first");
        assertThatThrownBy(() -> new CloudHypervisor().render(SPECIAL))
                .hasMessageContaining("does not boot from network cards");
    }

    /** With a disk whose place is 1. */
    private static Guest bootsFrom(String socket, int place) {
        var nic =
                new Guest.Nic(
                        "eth0",
                        socket,
                        true,
                        "56:49:00:00:00:03",
                        1500,
                        1,
                        true,
                        OptionalInt.empty(),
                        Optional.empty(),
                        OptionalInt.of(place));
        return new Guest(
                "web3", Optional.empty(), 1L << 30, List.of(nic), PLAIN.disks(), List.of());
    }
}
