package io.vireo.adapter.xdp;

import io.vireo.linux.Bpf;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.PacketSocket;
import io.vireo.linux.XdpSocket;
import java.util.ArrayList;
import java.util.List;

/**
 * All sockets of an interface, the program that feeds them, and what keeps the interface
 * promiscuous. They go with their descriptors.
 *
 * @param sockets one for each receive queue
 * @param nativeMode whether the driver runs the program
 * @param held descriptors that are only kept open
 */
record XdpSockets(XdpSocket[] sockets, boolean nativeMode, List<Fd> held) {
    /** Opens all; inside the namespace of the interface. */
    static XdpSockets open(int index, int queues) throws ErrnoException {
        var held = new ArrayList<Fd>();
        var sockets = new XdpSocket[queues];
        try {
            var map = hold(held, Bpf.xskMap(queues));
            var program = hold(held, Bpf.redirectProgram(map));
            boolean nativeMode = attach(held, program, index);
            for (int queue = 0; queue < queues; queue++) {
                sockets[queue] = XdpSocket.open(index, queue);
                Bpf.put(map, queue, sockets[queue].fd());
            }
            hold(held, PacketSocket.promiscuous(index));
            return new XdpSockets(sockets, nativeMode, held);
        } catch (ErrnoException e) {
            close(held, sockets);
            throw e;
        }
    }

    private static Fd hold(List<Fd> held, Fd fd) {
        held.add(fd);
        return fd;
    }

    private static boolean attach(List<Fd> held, Fd program, int index) throws ErrnoException {
        try {
            hold(held, Bpf.attach(program, index, Bpf.XDP_FLAGS_DRV_MODE));
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EBUSY || e.errno() == Errno.EPERM) {
                throw e;
            }
            // The driver cannot, or not with its settings of now.
            hold(held, Bpf.attach(program, index, Bpf.XDP_FLAGS_SKB_MODE));
            return false;
        }
    }

    /** Detaches the program first, so that frames go to the host again. */
    void close() {
        close(held, sockets);
    }

    private static void close(List<Fd> held, XdpSocket[] sockets) {
        held.reversed().forEach(Fd::close);
        for (var socket : sockets) {
            if (socket != null) {
                socket.close();
            }
        }
    }
}
