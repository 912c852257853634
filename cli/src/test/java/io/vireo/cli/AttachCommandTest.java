package io.vireo.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** {@code vireo attach}. */
final class AttachCommandTest extends CliBed {
    @Test
    void printsHowToAttach() {
        applyAll();
        assertThat(
                        vireo(
                                "attach",
                                "web1",
                                "--as",
                                "qemu",
                                "--memory",
                                "512M",
                                "--qemu-version",
                                "10.0"))
                .as(err)
                .isZero();
        assertThat(out)
                .contains("size=512M,share=on")
                .contains("path=/run/vireo/web1/eth0.sock,reconnect-ms=1000")
                .containsPattern(
                        "-device virtio-net-pci,netdev=vireo-eth0-net,mac=[0-9a-f:]+,bootindex=2\n")
                .contains("num-queues=1,queue-size=1024,bootindex=1");
        assertThat(vireo("attach", "web1", "--as", "libvirt")).isZero();
        assertThat(out).contains("<interface type='vhostuser'>");
        assertThat(vireo("attach", "web1", "--as", "cloud-hypervisor")).isZero();
        assertThat(out).contains("--net\n");
        assertThat(vireo("attach", "web1", "--as", "xen")).isEqualTo(2);
        assertThat(err).contains("qemu, libvirt, cloud-hypervisor");
        assertThat(vireo("attach", "web9", "--as", "qemu")).isEqualTo(4);
        assertThat(vireo("attach", "web1", "--as", "qemu", "--memory", "lots")).isEqualTo(2);
    }

    @Test
    void printsHowToAttachHostBusAdapters() {
        applyAll();
        String declared =
                file(
                        "san.yaml",
                        """
                        apiVersion: vireo/v1
                        kind: Vdisk
                        metadata: {name: data}
                        spec: {pool: ssd, size: 10Gi}
                        ---
                        apiVersion: vireo/v1
                        kind: ServerProfile
                        metadata: {name: db1}
                        spec:
                          vhbas:
                          - name: hba0
                            luns: [{lun: 0, vdisk: data, boot: true}]
                            bootOrder: 3
                        ---
                        apiVersion: vireo/v1
                        kind: Vhba
                        metadata: {name: alone}
                        spec: {luns: []}
                        ---
                        apiVersion: vireo/v1
                        kind: IscsiPortal
                        metadata: {name: san}
                        spec: {address: 0.0.0.0}
                        ---
                        apiVersion: vireo/v1
                        kind: IscsiTarget
                        metadata: {name: db1}
                        spec: {vhba: db1.hba0, portals: [san], initiators: ["*"]}
                        """);
        assertThat(vireo("apply", "-f", declared, "--wait")).as(err).isZero();
        assertThat(vireo("attach", "db1", "--as", "qemu", "--qemu-version", "10.0"))
                .as(err)
                .isZero();
        assertThat(out).contains("-uuid ").contains("num_queues=1,bootindex=3\n");
        assertThat(vireo("attach", "vhba/alone", "--as", "qemu", "--qemu-version", "7.2")).isZero();
        assertThat(out)
                .doesNotContain("-uuid")
                .contains("-chardev socket,id=vireo-alone,path=/run/vireo/alone.sock\n")
                .endsWith("num_queues=1\n");
        assertThat(vireo("attach", "db1", "--as", "open-iscsi")).isEqualTo(2);
        assertThat(err).contains("portal san listens at all addresses; say by --address");
        for (String what : List.of("db1", "vhba/db1.hba0")) {
            assertThat(vireo("attach", what, "--as", "open-iscsi", "--address", "fd00::1"))
                    .as(err)
                    .isZero();
            assertThat(out).contains("-T iqn.2026-11.test:x -p [fd00::1]:3260,1 --login\n");
        }
        assertThat(vireo("attach", "db1", "--as", "ipxe", "--address", "192.0.2.1")).isZero();
        assertThat(out).contains("sanboot iscsi:192.0.2.1::3260:0:iqn.2026-11.test:x\n");
        assertThat(vireo("attach", "vhba/alone", "--as", "ipxe")).isEqualTo(1);
        assertThat(err).contains("no IscsiTarget shows the vHBA alone");
        assertThat(vireo("get", "all", "-o", "name")).isZero();
        assertThat(out).contains("Vhba/alone").doesNotContain("Vhba/db1.hba0");
    }
}
