package io.vireo.cli;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** Has initiators log out of an iSCSI target. */
@Command(
        name = "logout",
        description = {
            "Ask initiators to log out of an IscsiTarget, and end the sessions that they leave.",
            "Who may still log in may come back: take it out of 'initiators' to keep it out."
        },
        footer = {
            "",
            "Examples: vireo logout db1 --session 3",
            "          vireo logout db1 --initiator iqn.1993-08.org.debian:01:db1 --timeout 60",
            "          vireo logout db1 --all"
        })
final class LogoutCommand extends Subcommand {
    /** What it may take beyond the time that initiators are given. */
    private static final int GRACE_SECONDS = 10;

    @Parameters(paramLabel = "TARGET", description = "The IscsiTarget.")
    String target = "";

    @Option(
            names = "--session",
            paramLabel = "NUMBER",
            description = "This session: NUMBER of sessionNUMBER in 'vireo describe iscsitarget'.")
    @Nullable String session;

    @Option(
            names = "--initiator",
            paramLabel = "NAME",
            description = "Sessions of the initiator with this iSCSI name.")
    @Nullable String initiator;

    @Option(names = "--portal", paramLabel = "NAME", description = "Sessions by this IscsiPortal.")
    @Nullable String portal;

    @Option(names = "--all", description = "All sessions of the target.")
    boolean all;

    @Option(
            names = "--timeout",
            defaultValue = "10",
            paramLabel = "SECONDS",
            description = "How long initiators have before their sessions are ended. Default: 10.")
    int timeout;

    @Option(names = "--no-wait", description = "Do not wait until the sessions are over.")
    boolean noWait;

    @Override
    public Integer call() {
        boolean chosen = session != null || initiator != null || portal != null;
        if (chosen == all) {
            throw new CliException(
                    ExitCode.USAGE,
                    "say which sessions: --session, --initiator, --portal, or --all");
        }
        ApiClient client = connection.open();
        String path = ApiClient.path("iscsitargets", target);
        var query =
                new Query()
                        .with("session", session)
                        .with("initiator", initiator)
                        .with("portal", portal)
                        .with("timeout", Integer.toString(timeout));
        JsonNode asked = client.post(query.behind(path + "/logout"));
        List<String> sessions = new ArrayList<>();
        asked.path("items").values().forEach(each -> sessions.add(each.asString()));
        if (!noWait) {
            Waiting.until(timeout + GRACE_SECONDS, err(), () -> remaining(client, path, sessions));
        }
        String outcome = noWait ? "asked to log out" : "is over";
        sessions.forEach(
                each -> print("%s of IscsiTarget/%s: %s\n".formatted(each, target, outcome)));
        return ExitCode.OK;
    }

    private static String remaining(ApiClient client, String path, List<String> sessions) {
        JsonNode attributes;
        try {
            attributes = client.get(path).path("status").path("attributes");
        } catch (CliException e) {
            if (e.exitCode() != ExitCode.NOT_FOUND) {
                throw e;
            }
            // The target was deleted, and its sessions are over with it.
            return "";
        }
        return sessions.stream()
                .filter(attributes::has)
                .findFirst()
                .map(left -> left + " is still there: " + attributes.path(left).asString())
                .orElse("");
    }
}
