package io.vireo.device.scsi;

import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiPort;
import org.jspecify.annotations.Nullable;

/**
 * An I_T_L nexus: what a logical unit remembers of an I_T nexus. Of the unit's reactor, but for the
 * constants.
 */
final class UnitNexus {
    final Nexus nexus;
    final LogicalUnit unit;

    /** Number of the unit on this nexus. */
    final int lun;

    /** As what it is mapped. */
    final UnitTarget.Mapping mapping;

    /** Whether the nexus is on the unit's reactor. */
    final boolean direct;

    /** Name of the target port, as registrations have it. */
    final String portName;

    /** What this nexus does at its LUN. */
    final UnitMeter meter;

    private final UnitCounters counters;

    final Attentions attentions = new Attentions();

    /** Tasks of it that are in the task set. */
    int tasks;

    /** PREVENT ALLOW MEDIUM REMOVAL. */
    boolean preventsRemoval;

    /**
     * Whether the last that it was told of the write cache, by MODE SENSE, is that the disk has
     * none: it does not flush, and counts on that as long as it has not asked again.
     */
    private boolean toldWriteThrough;

    boolean detached;

    /** Whether its transport waits for its tasks: none of them waits for rates. */
    boolean hurried;

    /** Where its requests wait; there is one from when it is attached. */
    @Nullable RateGate gate;

    UnitNexus(Nexus nexus, UnitTarget.Mapping mapping) {
        this.nexus = nexus;
        this.mapping = mapping;
        unit = mapping.unit();
        lun = mapping.lun();
        counters = nexus.target().counters(lun);
        meter = counters.open();
        portName = nexus.port().toString();
        direct = nexus.reactor() == unit.owner();
    }

    /** Nothing is counted any more. */
    void closeMeter() {
        counters.close(meter);
    }

    /** Whether each write of it ends only when it is durable. */
    boolean writesThrough() {
        return toldWriteThrough || !unit.modes().writeCache();
    }

    /**
     * It is told the current values of the caching page.
     *
     * @param whole whether it surely gets all of it
     */
    void toldCaching(boolean whole) {
        if (unit.modes().writeThrough()) {
            toldWriteThrough = true;
        } else if (whole) {
            toldWriteThrough = false;
            unit.cacheKnowledge().forget(this);
        }
    }

    /** It begins: its initiator may know what an earlier nexus was told. */
    void begins() {
        toldWriteThrough = unit.cacheKnowledge().countsOnNone(this);
    }

    /** It ends: what its initiator was told stays with that. */
    void ends() {
        detached = true;
        if (toldWriteThrough) {
            unit.cacheKnowledge().remember(this);
        }
    }

    ScsiInitiator initiator() {
        return nexus.initiator();
    }

    ScsiPort port() {
        return nexus.port();
    }

    /**
     * Establishes a unit attention condition, and tells the transport; once, until the initiator
     * was told: whoever brings it about again and again has one event sent for each command of this
     * nexus at most.
     */
    void attention(int code) {
        if (attentions.add(code)) {
            nexus.changed(this, code);
        }
    }
}
