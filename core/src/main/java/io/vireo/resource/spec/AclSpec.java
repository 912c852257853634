package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Spec;
import java.util.List;

/** A list of rules that frames are permitted or denied by. */
public record AclSpec(
        @Field(
                        value = "The rules, in their order; the first that matches decides.",
                        maxLength = AclSpec.MAX_RULES)
                List<AclRuleSpec> rules,
        @Field(value = "What happens to a frame that no rule matches.", defaultValue = "deny")
                Action defaultAction)
        implements Spec {
    /** Most rules of a list. */
    public static final int MAX_RULES = 1024;

    /** What is done with a frame. */
    public enum Action {
        /** It may go on. */
        PERMIT,
        /** It is dropped. */
        DENY
    }

    public AclSpec {
        rules = List.copyOf(rules);
    }
}
