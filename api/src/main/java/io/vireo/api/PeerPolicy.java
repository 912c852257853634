package io.vireo.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Which users of this host may call: root, the daemon's own user, and members of one group.
 *
 * @param ownUser the daemon's user
 * @param group the group, if one is configured
 * @param groupFile where members of groups are listed, group(5)
 */
record PeerPolicy(String ownUser, Optional<String> group, Path groupFile) {
    static PeerPolicy of(Optional<String> owner, Optional<String> group) {
        return new PeerPolicy(
                owner.orElseGet(() -> System.getProperty("user.name")),
                group,
                Path.of("/etc/group"));
    }

    boolean allows(String user, String primaryGroup) {
        if (user.equals("root") || user.equals("0") || user.equals(ownUser)) {
            return true;
        }
        return group.filter(name -> name.equals(primaryGroup) || members(name).contains(user))
                .isPresent();
    }

    private List<String> members(String name) {
        try {
            return Files.readAllLines(groupFile).stream()
                    .map(line -> line.split(":", -1))
                    .filter(fields -> fields.length == 4 && fields[0].equals(name))
                    .flatMap(fields -> Arrays.stream(fields[3].split(",")))
                    .toList();
        } catch (IOException _) {
            return List.of();
        }
    }

    String advice() {
        return group.map(name -> "become a member of the group " + name)
                .orElse("start the daemon with a group for its socket, or call as root");
    }
}
