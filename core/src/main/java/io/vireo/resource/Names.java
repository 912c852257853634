package io.vireo.resource;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The rules for names. A resource's name is a DNS label (RFC 1123 section 2.1): it can be part of a
 * path, a host name or a metric label without quoting. A derived resource is named after its owner
 * and device, {@code web1.eth0}; the dot cannot appear in a name given by a user, so the two never
 * collide.
 */
public final class Names {
    /** Longest name of a resource, in characters. */
    public static final int MAX_LENGTH = 63;

    /**
     * Longest name of a device inside a profile; keeps socket paths below the 108 bytes of {@code
     * sun_path}.
     */
    public static final int MAX_DEVICE_LENGTH = 15;

    /** A DNS label, as a regular expression. */
    public static final String LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";

    /** The name of a device inside a profile, as a regular expression. */
    public static final String DEVICE = "[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?";

    /** A resource or a device of a profile, {@code profile.device}, as a regular expression. */
    public static final String LABEL_OR_DERIVED = LABEL + "(\\." + DEVICE + ")?";

    private static final Pattern LABEL_PATTERN = Pattern.compile(LABEL);
    private static final Pattern DEVICE_PATTERN = Pattern.compile(DEVICE);

    private Names() {}

    /** Whether the name may be given to a resource by a user. */
    public static boolean isLabel(String name) {
        return name.length() <= MAX_LENGTH && LABEL_PATTERN.matcher(name).matches();
    }

    /** Whether the name may be given to a device inside a profile. */
    public static boolean isDevice(String name) {
        return name.length() <= MAX_DEVICE_LENGTH && DEVICE_PATTERN.matcher(name).matches();
    }

    /** Whether the name has the form {@code profile.device} of a derived resource. */
    public static boolean isDerived(String name) {
        int dot = name.indexOf('.');
        return dot > 0 && isLabel(name.substring(0, dot)) && isDevice(name.substring(dot + 1));
    }

    /** The name of the resource derived from a device of a profile. */
    public static String derived(String profile, String device) {
        return profile + "." + device;
    }

    /** What is wrong with a name given by a user, or empty. */
    public static Optional<String> problem(String name) {
        if (isLabel(name)) {
            return Optional.empty();
        }
        return Optional.of(
                "a name has 1 to "
                        + MAX_LENGTH
                        + " lower-case letters, digits or '-' and starts and ends with a letter or digit");
    }
}
