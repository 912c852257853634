package io.vireo.transport.iscsi;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Secrets;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.ChapSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What specs say of CHAP. */
final class Chaps {
    private Chaps() {}

    /** Rules beyond its types. */
    static List<Violation> validate(Optional<ChapSpec> spec, String pointer) {
        var violations = new ArrayList<Violation>();
        spec.ifPresent(chap -> {
            if (chap.targetUser().isPresent() != chap.targetSecret().isPresent()) {
                violations.add(
                        new Violation(
                                pointer + "/targetUser",
                                "goes with targetSecret: give both or none"));
            }
            if (chap.targetSecret().filter(chap.secret()::equals).isPresent()) {
                violations.add(
                        new Violation(
                                pointer + "/targetSecret",
                                "is the secret of the initiators, too: give each direction its own"));
            }
        });
        return violations;
    }

    /**
     * What is asked of initiators.
     *
     * @throws ResourceException if a secret is absent, or of a length that is not allowed
     */
    static Authentication authentication(Optional<ChapSpec> spec, Secrets secrets) {
        if (spec.isEmpty()) {
            return Authentication.NONE;
        }
        ChapSpec chap = spec.get();
        Optional<Credential> target =
                chap.targetUser()
                        .map(user -> credential(user, chap.targetSecret().orElseThrow(), secrets));
        return new Authentication(
                Optional.of(credential(chap.user(), chap.secret(), secrets)), target);
    }

    /** Looks once, so that a mistake is told now; each login fetches it anew. */
    private static Credential credential(String user, String name, Secrets secrets) {
        var credential = new Credential(user, secrets.describe(name), () -> secrets.secret(name));
        Optional<String> mistake = credential.mistake(secrets.secret(name).length);
        if (mistake.isPresent()) {
            throw new ResourceException(ErrorCode.INVALID, mistake.get());
        }
        return credential;
    }
}
