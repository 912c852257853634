package io.vireo.resource;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Describes one component of a {@link Spec} record (or of a record inside it). Binding, the OpenAPI
 * schema and the documentation all read it, so that a default or a range is said once.
 *
 * <p>A component without a default that is neither Optional, List nor Map must be given by the
 * user.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Field {
    /** What the field means, in one or two sentences, with its unit. */
    String value();

    /**
     * The default in the notation of a JSON scalar ("1500", "true", "server"); empty: there is
     * none.
     */
    String defaultValue() default "";

    /** Smallest allowed number, inclusive; for a list of numbers it applies to each. */
    long min() default Long.MIN_VALUE;

    /** Largest allowed number, inclusive; for a list of numbers it applies to each. */
    long max() default Long.MAX_VALUE;

    /**
     * Regular expression that a string (or each string of a list) must match as a whole; empty:
     * any.
     */
    String pattern() default "";

    /** Longest allowed string or list. */
    int maxLength() default 255;
}
