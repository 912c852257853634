package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Secrets;
import java.util.Optional;

/** How initiators prove who they are by CHAP, and the target to them. */
public record ChapSpec(
        @Field(
                        value = "Name that initiators log in with.",
                        pattern = Forms.CHAP_NAME,
                        maxLength = 255)
                String user,
        @Field(
                        value =
                                "Name of their secret: a file in the daemon's directory of secrets, with 12 to 255 bytes.",
                        pattern = Secrets.NAME)
                String secret,
        @Field(
                        value =
                                "Name that the target proves itself by to initiators that ask"
                                        + " (mutual CHAP). Absent: it does not.",
                        pattern = Forms.CHAP_NAME,
                        maxLength = 255)
                Optional<String> targetUser,
        @Field(
                        value =
                                "Name of the target's secret, another one than that of the initiators. Goes with"
                                        + " targetUser.",
                        pattern = Secrets.NAME)
                Optional<String> targetSecret) {}
