package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Secrets;
import java.util.Optional;

/** How a pool encrypts vDisks. */
public record EncryptionSpec(
        @Field(
                        value =
                                "Name of the secret that holds the pool's master key: a file in the daemon's directory of"
                                        + " secrets with 64 hexadecimal digits (openssl rand -hex 32).",
                        pattern = Secrets.NAME)
                String keySecret,
        @Field(
                        value =
                                "Name of the secret that held the master key before. What it has wrapped is wrapped by the new"
                                        + " one; then it can be taken out. Absent: there is none.",
                        pattern = Secrets.NAME)
                Optional<String> previousKeySecret,
        @Field(
                        value = "Whether new vDisks are encrypted that do not say so themselves.",
                        defaultValue = "true")
                boolean byDefault) {}
