package io.vireo.net;

/**
 * A list of rules that frames are permitted or denied by, shared by the ports of many networks. Who
 * plugs a port in passes it on to the {@link Network}, which alone knows what is in it.
 */
public interface AccessList {}
