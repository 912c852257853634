package io.vireo.cli.attach;

import java.util.ArrayList;
import java.util.List;

/**
 * Commands by which the initiator of Linux logs in (iscsiadm(8)). Records of nodes are made without
 * discovery, which may have a CHAP of its own.
 */
public record OpenIscsi() {
    /** The commands, and as comments what they need. */
    public String render(List<IscsiTargetAccess> targets) {
        List<String> lines = new ArrayList<>();
        for (IscsiTargetAccess target : targets) {
            if (!target.admitsAnybody()) {
                lines.add(
                        "# InitiatorName in /etc/iscsi/initiatorname.iscsi: "
                                + String.join(" or ", target.initiators()));
            }
            target.chap()
                    .ifPresent(chap -> {
                        lines.add("# The secret is in a file here: " + chap.secret());
                        chap.targetSecret()
                                .ifPresent(name ->
                                        lines.add(
                                                "# That of the target is in a file here: " + name));
                    });
            target.portals().forEach(portal -> addPortal(target, portal, lines));
        }
        return String.join("\n", lines) + "\n";
    }

    private static void addPortal(
            IscsiTargetAccess target, IscsiTargetAccess.Portal portal, List<String> lines) {
        String node =
                "iscsiadm -m node -T "
                        + target.target()
                        + " -p "
                        + portal.address()
                        + ":"
                        + portal.port()
                        + ","
                        + portal.group();
        lines.add(node + " -o new");
        target.chap()
                .ifPresent(chap -> {
                    set(node, "auth.authmethod", "CHAP", lines);
                    set(node, "auth.username", quoted(chap.user()), lines);
                    set(node, "auth.password", contents(chap.secret()), lines);
                    chap.targetUser()
                            .ifPresent(user -> set(node, "auth.username_in", quoted(user), lines));
                    chap.targetSecret()
                            .ifPresent(
                                    name -> set(node, "auth.password_in", contents(name), lines));
                });
        lines.add(node + " --login");
    }

    private static void set(String node, String name, String value, List<String> lines) {
        lines.add(node + " -o update -n node.session." + name + " -v " + value);
    }

    private static String contents(String file) {
        return "\"$(cat " + file + ")\"";
    }

    private static String quoted(String word) {
        return "'" + word.replace("'", "'\\''") + "'";
    }
}
