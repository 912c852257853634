package io.vireo.scsi;

/** Task attributes (SAM-5, 8.9). */
public enum TaskAttribute {
    SIMPLE,
    ORDERED,
    HEAD_OF_QUEUE,
    ACA
}
