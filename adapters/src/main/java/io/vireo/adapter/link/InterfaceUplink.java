package io.vireo.adapter.link;

import io.vireo.net.NetPort;
import io.vireo.net.Uplink;
import java.util.Map;

/** An uplink over an interface of the host: what is the same however frames get there. */
public abstract class InterfaceUplink<P extends InterfacePort> implements Uplink {
    private final String interfaceName;
    private final P uplink;

    /**
     * An uplink.
     *
     * @param interfaceName as the host calls it
     * @param uplink closed by {@link #close}
     */
    protected InterfaceUplink(String interfaceName, P uplink) {
        this.interfaceName = interfaceName;
        this.uplink = uplink;
    }

    /** The port, as what it is. */
    protected final P uplink() {
        return uplink;
    }

    @Override
    public final NetPort port() {
        return uplink;
    }

    @Override
    public Map<String, String> attributes() {
        return Map.of();
    }

    @Override
    public final boolean isPresent() {
        return uplink.link().isPresent();
    }

    @Override
    public final String trouble() {
        return uplink.link().trouble(interfaceName);
    }

    @Override
    public final void onChange(Runnable listener) {
        uplink.link().onChange(listener);
    }

    @Override
    public final void forget(Runnable listener) {
        uplink.link().forget(listener);
    }

    @Override
    public final void close() {
        uplink.close();
    }
}
