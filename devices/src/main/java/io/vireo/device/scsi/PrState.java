package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The persistent reservations of a unit at one moment; immutable.
 *
 * @param generation PRGENERATION
 * @param registrations at most one of each nexus
 * @param reservation who holds what
 * @param survives whether it is to survive a loss of power (APTPL)
 */
record PrState(
        int generation,
        List<Registration> registrations,
        Optional<Reservation> reservation,
        boolean survives) {
    /** Registrations of a unit at most. */
    static final int MAX_REGISTRATIONS = 1024;

    static final PrState NONE = new PrState(0, List.of(), Optional.empty(), false);

    private static final String VERSION = "1";
    private static final String ISCSI_PORT = ",i,0x";
    private static final String NAA = "naa.";

    PrState {
        registrations = List.copyOf(registrations);
    }

    /**
     * A reservation of the whole unit.
     *
     * @param holder the registration that holds it; where all registrants do, the one that made it
     */
    record Reservation(PrType type, Registration holder) {}

    /** The registration of a nexus. */
    Optional<Registration> find(ScsiInitiator initiator, String port) {
        for (Registration registration : registrations) {
            if (registration.is(initiator, port)) {
                return Optional.of(registration);
            }
        }
        return Optional.empty();
    }

    /** Whether a registration holds the reservation. */
    boolean holds(Registration registration) {
        return reservation.isPresent()
                && (reservation.get().type().allHold()
                        || reservation.get().holder().sameNexus(registration));
    }

    PrState withGeneration(int next) {
        return new PrState(next, registrations, reservation, survives);
    }

    PrState withSurvives(boolean on) {
        return new PrState(generation, registrations, reservation, on);
    }

    PrState withReservation(Optional<Reservation> next) {
        return new PrState(generation, registrations, next, survives);
    }

    /**
     * With a registration, in place of the one of the same nexus; it goes on to hold what that
     * held.
     */
    PrState withRegistration(Registration added) {
        var all = new ArrayList<Registration>();
        boolean found = false;
        for (Registration registration : registrations) {
            boolean same = registration.sameNexus(added);
            all.add(same ? added : registration);
            found |= same;
        }
        if (!found) {
            all.add(added);
        }
        Optional<Reservation> kept =
                reservation.map(held ->
                        held.holder().sameNexus(added)
                                ? new Reservation(held.type(), added)
                                : held);
        return new PrState(generation, all, kept, survives);
    }

    /**
     * Without a registration. What it held alone is released; what all registrants hold is when it
     * was the last.
     */
    PrState without(Registration removed) {
        List<Registration> rest =
                registrations.stream().filter(other -> !other.sameNexus(removed)).toList();
        Optional<Reservation> kept = reservation;
        if (reservation.isPresent()) {
            Reservation held = reservation.get();
            if (held.type().allHold()) {
                kept = rest.isEmpty() ? Optional.empty() : reservation;
            } else if (held.holder().sameNexus(removed)) {
                kept = Optional.empty();
            }
        }
        return new PrState(generation, rest, kept, survives);
    }

    /** As text, for {@link #parse}: one line for the state, one for each registration. */
    String format() {
        var text = new StringBuilder(VERSION).append(' ');
        text.append(Integer.toUnsignedString(generation)).append(' ');
        text.append(reservation.map(held -> held.type().code()).orElse(0)).append(' ');
        text.append(reservation.map(held -> indexOf(held.holder())).orElse(-1)).append('\n');
        for (Registration registration : registrations) {
            text.append(registration.initiator()).append(' ').append(registration.port());
            text.append(' ').append(registration.allPorts()).append(' ');
            text.append(HexFormat.of().toHexDigits(registration.key())).append('\n');
        }
        return text.toString();
    }

    private int indexOf(Registration holder) {
        for (int i = 0; i < registrations.size(); i++) {
            if (registrations.get(i).sameNexus(holder)) {
                return i;
            }
        }
        return -1;
    }

    /**
     * What {@link #format} has written.
     *
     * @throws IllegalArgumentException if it is anything else
     */
    static PrState parse(String text) {
        try {
            List<String> lines = text.lines().toList();
            String[] head = lines.getFirst().split(" ", -1);
            if (head.length != 4 || !head[0].equals(VERSION)) {
                throw new IllegalArgumentException("not of version " + VERSION);
            }
            var registrations = new ArrayList<Registration>();
            for (String line : lines.subList(1, lines.size())) {
                registrations.add(registration(line));
            }
            int holder = Integer.parseInt(head[3]);
            Optional<Reservation> held =
                    PrType.of(Integer.parseInt(head[2]))
                            .filter(_ -> !registrations.isEmpty())
                            .map(type ->
                                    new Reservation(type, registrations.get(Math.max(0, holder))));
            return new PrState(Integer.parseUnsignedInt(head[1]), registrations, held, true);
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(
                    "persistent reservations cannot be read: " + e.getMessage(), e);
        }
    }

    private static Registration registration(String line) {
        String[] fields = line.split(" ", -1);
        if (fields.length != 4) {
            throw new IllegalArgumentException(line);
        }
        return new Registration(
                initiator(fields[0]),
                fields[1],
                Boolean.parseBoolean(fields[2]),
                HexFormat.fromHexDigitsToLong(fields[3]));
    }

    private static ScsiInitiator initiator(String text) {
        int at = text.toLowerCase(Locale.ROOT).indexOf(ISCSI_PORT);
        if (at >= 0) {
            long isid = HexFormat.fromHexDigitsToLong(text.substring(at + ISCSI_PORT.length()));
            return new ScsiInitiator.Iscsi(text.substring(0, at), isid);
        }
        if (!text.startsWith(NAA)) {
            throw new IllegalArgumentException(text);
        }
        return new ScsiInitiator.FibreChannel(
                HexFormat.fromHexDigitsToLong(text.substring(NAA.length())));
    }
}
