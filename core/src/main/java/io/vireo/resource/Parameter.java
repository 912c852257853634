package io.vireo.resource;

/** A parameter of a stream or of an operation, with its meaning for the documentation. */
public record Parameter(String name, String description) {}
