package io.vireo.cli.attach;

import java.util.List;

/** A script by which iPXE boots from a boot LUN (RFC 4173, section 5). */
public record Ipxe() {
    private static final int FLAT = 0x4000;
    private static final int PERIPHERAL_LIMIT = 256;

    /**
     * The script.
     *
     * @throws IllegalArgumentException with a sentence, if there is not one target with a boot LUN
     */
    public String render(List<IscsiTargetAccess> targets) {
        List<IscsiTargetAccess> bootable =
                targets.stream().filter(target -> target.bootLun().isPresent()).toList();
        if (bootable.isEmpty()) {
            throw new IllegalArgumentException(
                    "no LUN is marked as the one to boot from: give one of them boot: true");
        }
        IscsiTargetAccess target = bootable.getFirst();
        StringBuilder script = new StringBuilder("#!ipxe\n");
        if (!target.admitsAnybody()) {
            script.append("set initiator-iqn ").append(target.initiators().getFirst()).append('\n');
        }
        target.chap()
                .ifPresent(chap -> {
                    add("username", chap.user(), script);
                    add("password", "<the content of the secret " + chap.secret() + ">", script);
                    chap.targetUser().ifPresent(user -> add("reverse-username", user, script));
                    chap.targetSecret()
                            .ifPresent(name ->
                                    add(
                                            "reverse-password",
                                            "<the content of the secret " + name + ">",
                                            script));
                });
        script.append("sanboot");
        target.portals()
                .forEach(portal ->
                        script.append(" iscsi:")
                                .append(portal.address())
                                .append("::")
                                .append(portal.port())
                                .append(':')
                                .append(lun(target.bootLun().orElseThrow()))
                                .append(':')
                                .append(target.target()));
        return script.append('\n').toString();
    }

    private static void add(String setting, String value, StringBuilder script) {
        script.append("set ").append(setting).append(' ').append(value).append('\n');
    }

    /** The first two bytes of a LUN as SAM-5, 4.7.7 has them. */
    private static String lun(int number) {
        return Integer.toHexString(number < PERIPHERAL_LIMIT ? number : FLAT | number);
    }
}
