package io.vireo.testkit.iscsi;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;

/** One connection of an initiator. Blocking; a test that waits for what never comes fails. */
public final class IscsiInitiator implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 20_000;
    private static final int LOGIN = 0x43;

    private final Socket socket = new Socket();
    private final DataInputStream in;
    private final String name;
    private long isid = 0x00_02_3d_00_00_01L;
    private boolean headerDigest;
    private boolean dataDigest;
    private int itt;
    private int cmdSn = 1;
    private int expStatSn;
    private int expCmdSn;
    private int maxCmdSn;

    /** Connects. */
    public IscsiInitiator(InetSocketAddress target, String name) throws IOException {
        this.name = name;
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        socket.connect(target, PATIENCE_MILLIS);
        in = new DataInputStream(socket.getInputStream());
    }

    /** Another ISID than the default. */
    public IscsiInitiator isid(long newIsid) {
        isid = newIsid;
        return this;
    }

    public Socket socket() {
        return socket;
    }

    /** CmdSN of the next command. */
    public int cmdSn() {
        return cmdSn;
    }

    /** What the target says it expects, and takes at most. */
    public int expCmdSn() {
        return expCmdSn;
    }

    public int maxCmdSn() {
        return maxCmdSn;
    }

    public int expStatSn() {
        return expStatSn;
    }

    // Login.

    /** A login request; T is set if {@code next} is a stage, and not if it is the current one. */
    public IscsiPdu loginRequest(int current, int next, Map<String, String> keys) {
        int flags = next == current ? current << 2 : 0x80 | current << 2 | next;
        return new IscsiPdu(LOGIN, flags)
                .u64(8, isid << 16)
                .u32(16, 0)
                .u16(20, 1)
                .u32(24, cmdSn)
                .u32(28, expStatSn)
                .text(keys);
    }

    /** The keys that say who logs in, and where. */
    public Map<String, String> identity(String targetName) {
        var keys = new LinkedHashMap<String, String>();
        keys.put("InitiatorName", name);
        if (targetName.isEmpty()) {
            keys.put("SessionType", "Discovery");
        } else {
            keys.put("SessionType", "Normal");
            keys.put("TargetName", targetName);
        }
        return keys;
    }

    /** Logs in without authentication. Returns the last response; its status may be an error. */
    public IscsiPdu login(String targetName, Map<String, String> parameters) throws IOException {
        Map<String, String> keys = identity(targetName);
        keys.put("AuthMethod", "None");
        IscsiPdu response = exchange(loginRequest(0, 1, keys));
        if (response.u16(36) != 0) {
            return response;
        }
        return negotiate(parameters);
    }

    /** The operational stage, to full feature. */
    public IscsiPdu negotiate(Map<String, String> parameters) throws IOException {
        IscsiPdu response = exchange(loginRequest(1, 3, parameters));
        headerDigest = "CRC32C".equals(response.text().get("HeaderDigest"));
        dataDigest = "CRC32C".equals(response.text().get("DataDigest"));
        return response;
    }

    /** Sends a PDU and receives one. */
    public IscsiPdu exchange(IscsiPdu pdu) throws IOException {
        send(pdu);
        return receive();
    }

    // Commands.

    /** A SCSI Command PDU with the next CmdSN and a tag of its own. */
    public IscsiPdu command(int flags, long lun, int expectedLength, byte[] cdb) {
        return new IscsiPdu(0x01, flags)
                .u64(8, lun)
                .u32(16, ++itt)
                .u32(20, expectedLength)
                .u32(24, cmdSn++)
                .u32(28, expStatSn)
                .bytes(32, cdb);
    }

    /** A PDU of another kind with the next CmdSN, or the current one if it is immediate. */
    public IscsiPdu request(int opcode, int flags) {
        boolean immediate = (opcode & 0x40) != 0;
        return new IscsiPdu(opcode, flags)
                .u32(16, ++itt)
                .u32(20, IscsiPdu.NO_TAG)
                .u32(24, immediate ? cmdSn : cmdSn++)
                .u32(28, expStatSn);
    }

    /** A Data-Out PDU. */
    public IscsiPdu dataOut(
            IscsiPdu command, int transferTag, int dataSn, int offset, byte[] data, boolean last) {
        return new IscsiPdu(0x05, last ? 0x80 : 0)
                .u64(8, command.u64(8))
                .u32(16, command.u32(16))
                .u32(20, transferTag)
                .u32(28, expStatSn)
                .u32(36, dataSn)
                .u32(40, offset)
                .data(data);
    }

    // The wire.

    /** Sends. */
    public void send(IscsiPdu pdu) throws IOException {
        socket.getOutputStream().write(encode(pdu));
    }

    /** The bytes of a PDU, with the digests that were negotiated. */
    public byte[] encode(IscsiPdu pdu) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(pdu.header());
        out.writeBytes(pdu.additional());
        out.writeBytes(new byte[-pdu.additional().length & 3]);
        if (headerDigest) {
            out.writeBytes(digest(out.toByteArray()));
        }
        if (pdu.data().length > 0) {
            var segment = new ByteArrayOutputStream();
            segment.writeBytes(pdu.data());
            segment.writeBytes(new byte[-pdu.data().length & 3]);
            out.writeBytes(segment.toByteArray());
            if (dataDigest) {
                out.writeBytes(digest(segment.toByteArray()));
            }
        }
        return out.toByteArray();
    }

    private static byte[] digest(byte[] bytes) {
        var crc = new CRC32C();
        crc.update(bytes);
        return ByteBuffer.allocate(4).putInt(Integer.reverseBytes((int) crc.getValue())).array();
    }

    /** Receives a PDU, and checks its digests and the number of its status. */
    public IscsiPdu receive() throws IOException {
        byte[] header = in.readNBytes(IscsiPdu.BHS);
        if (header.length < IscsiPdu.BHS) {
            throw new EOFException("the target closed the connection");
        }
        if (headerDigest) {
            check(header);
        }
        int length = ByteBuffer.wrap(header).getInt(4) & 0xFFFFFF;
        byte[] segment = new byte[length + (-length & 3)];
        in.readFully(segment);
        if (dataDigest && length > 0) {
            check(segment);
        }
        var pdu = new IscsiPdu(header, java.util.Arrays.copyOf(segment, length));
        note(pdu);
        return pdu;
    }

    private void check(byte[] bytes) throws IOException {
        byte[] digest = in.readNBytes(4);
        if (!java.util.Arrays.equals(digest, digest(bytes))) {
            throw new IOException("a digest is wrong");
        }
    }

    private void note(IscsiPdu pdu) {
        boolean dataInWithoutStatus = pdu.opcode() == 0x25 && (pdu.flags() & 1) == 0;
        boolean unsolicited = pdu.u32(16) == IscsiPdu.NO_TAG && pdu.opcode() == 0x20;
        if (!dataInWithoutStatus && !unsolicited && pdu.opcode() != 0x31) {
            expStatSn = pdu.u32(24) + 1;
        }
        expCmdSn = pdu.u32(28);
        maxCmdSn = pdu.u32(32);
    }

    /**
     * Says that nothing more comes, and takes what the target has to say until it closes the
     * connection. Closed at once, what it has not read yet would be taken from it.
     *
     * @return whether it does
     */
    public boolean finish() throws IOException {
        socket.shutdownOutput();
        return isClosedByTarget();
    }

    /** Whether the target has closed the connection; waits for it, and drops what comes before. */
    public boolean isClosedByTarget() {
        try {
            byte[] dropped = new byte[4096];
            int count = 0;
            while (count >= 0) {
                count = in.read(dropped);
            }
            return true;
        } catch (java.net.SocketTimeoutException e) {
            return false;
        } catch (IOException reset) {
            return true;
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
