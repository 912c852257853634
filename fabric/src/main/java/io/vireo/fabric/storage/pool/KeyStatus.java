package io.vireo.fabric.storage.pool;

/**
 * By which master keys the data keys of a pool are wrapped.
 *
 * @param current by the current one
 * @param previous by the previous one
 * @param unknown by neither: these volumes cannot be unlocked
 */
public record KeyStatus(int current, int previous, int unknown) {}
