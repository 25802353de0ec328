package org.keelfs.fuse.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.keelfs.base.Errno;
import org.keelfs.base.FsException;
import org.keelfs.fuse.kernel.protocol.Layout.Getxattr;
import org.keelfs.fuse.kernel.protocol.Layout.InHeader;
import org.keelfs.fuse.kernel.protocol.Layout.OutHeader;
import org.keelfs.fuse.kernel.protocol.Layout.ReadIn;
import org.keelfs.fuse.kernel.protocol.Opcode;
import org.keelfs.model.InodeId;
import org.keelfs.model.Name;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One request of the kernel and the room for its reply. Owned by the thread that serves it: first
 * the reader that read it, which reuses it for the next request, or a copy by the virtual thread to
 * which it moved.
 */
final class Exchange {
    /* A request lies at PAGE - 80, so that the bytes of a WRITE (after both its headers) start on a page, and a
     * reply's body starts on a page as well: sectors can be encrypted and decrypted in place. */

    /** Where the readers put requests: 80 is in_header + write_in. */
    static final int REQUEST_AT = NativeBuffer.PAGE - 80;

    /** Where a reply's body starts; its header is right before it. */
    static final int BODY_AT = NativeBuffer.PAGE;

    private static final Logger LOG = LoggerFactory.getLogger(Exchange.class);

    private final Device device;
    private final NativeBuffer out;
    private NativeBuffer requestBuffer;
    private ByteBuffer in;
    private int at;
    private int length;
    private int opcode;
    private long unique;
    private long nodeId;

    /** For a reader. */
    Exchange(Device device, NativeBuffer in, NativeBuffer out) {
        this.device = device;
        this.out = out;
        this.requestBuffer = in;
        this.in = in.bytes();
    }

    private Exchange(Exchange of, NativeBuffer out) {
        this(of.device, of.requestBuffer, out);
        in = of.in;
        decode(of.at, of.length);
    }

    /** The same request with another buffer for the reply. */
    Exchange withReply(NativeBuffer replyBuffer) {
        return new Exchange(this, replyBuffer);
    }

    /** The same request in bytes of its own, for another thread. */
    Exchange copied() {
        var bytes = new byte[length];
        in.get(at, bytes);
        var copy = new Exchange(this, out);
        copy.in = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        copy.decode(0, length);
        return copy;
    }

    /**
     * The same request with its buffer, for another thread; this exchange goes on with {@code
     * next}.
     */
    Exchange moved(NativeBuffer next) {
        var moved = new Exchange(this, out);
        requestBuffer = next;
        in = next.bytes();
        return moved;
    }

    /** Reads the next request; its length, or a negative errno. */
    int readRequest() {
        int n = device.read(requestBuffer, REQUEST_AT);
        if (n > 0) {
            decode(REQUEST_AT, n);
        }
        return n;
    }

    private void decode(int requestAt, int requestLength) {
        at = requestAt;
        length = requestLength;
        opcode = in.getInt(at + InHeader.OPCODE);
        unique = in.getLong(at + InHeader.UNIQUE);
        nodeId = in.getLong(at + InHeader.NODEID);
    }

    NativeBuffer requestBuffer() {
        return requestBuffer;
    }

    int length() {
        return length;
    }

    int opcode() {
        return opcode;
    }

    long unique() {
        return unique;
    }

    InodeId inode() {
        return new InodeId(nodeId);
    }

    int uid() {
        return in.getInt(at + InHeader.UID);
    }

    int gid() {
        return in.getInt(at + InHeader.GID);
    }

    int pid() {
        return in.getInt(at + InHeader.PID);
    }

    /** Bytes of extensions at the end of the request. */
    int extensionBytes() {
        return Short.toUnsignedInt(in.getShort(at + InHeader.TOTAL_EXTLEN)) * 8;
    }

    /** Field of the request's body. */
    int intAt(int offset) {
        return in.getInt(at + InHeader.SIZE + offset);
    }

    long longAt(int offset) {
        return in.getLong(at + InHeader.SIZE + offset);
    }

    /** Bytes of the body, seen in place. */
    ByteBuffer bytesAt(int offset, int count) {
        checkInside(offset, count);
        return in.slice(at + InHeader.SIZE + offset, count);
    }

    /** A copy of bytes of the body. */
    byte[] copyAt(int offset, int count) {
        checkInside(offset, count);
        var bytes = new byte[count];
        in.get(at + InHeader.SIZE + offset, bytes);
        return bytes;
    }

    private void checkInside(int offset, int count) {
        if (count < 0 || offset > bodyLength() - count) {
            throw new IllegalStateException("request ends before the bytes that it announces");
        }
    }

    /** Bytes of the body without extensions. */
    int bodyLength() {
        return length - InHeader.SIZE - extensionBytes();
    }

    /**
     * A file name that a NUL ends. The kernel lets longer ones through than a file system may take.
     */
    Name nameAt(int offset) {
        byte[] bytes = stringAt(offset);
        if (bytes.length > Name.BYTES_MAX) {
            throw new FsException(Errno.ENAMETOOLONG);
        }
        return Name.of(bytes);
    }

    /** Bytes up to a NUL. */
    byte[] stringAt(int offset) {
        int end = offset;
        int limit = bodyLength();
        int base = at + InHeader.SIZE;
        while (end < limit && in.get(base + end) != 0) {
            end++;
        }
        return copyAt(offset, end - offset);
    }

    /** Where the reply's body goes: absolute indexes from {@link #BODY_AT}. */
    ByteBuffer reply() {
        return out.bytes();
    }

    /** Room for the reply's body. */
    int replyRoom() {
        return out.capacity() - BODY_AT;
    }

    /** Sends a good reply; false when the kernel no longer waits for it. */
    boolean replyOk(int bodyBytes) {
        return send(0, bodyBytes);
    }

    boolean replyError(Errno errno) {
        return send(-errno.number(), 0);
    }

    private boolean send(int error, int bodyBytes) {
        ByteBuffer bytes = out.bytes();
        int header = BODY_AT - OutHeader.SIZE;
        int total = OutHeader.SIZE + bodyBytes;
        bytes.putInt(header + OutHeader.LEN, total);
        bytes.putInt(header + OutHeader.ERROR, error);
        bytes.putLong(header + OutHeader.UNIQUE, unique);
        int result = device.write(out, header, total);
        if (result == 0) {
            return true;
        }
        if (result != -Errno.ENOENT.number() && result != -Errno.ENODEV.number()) {
            LOG.error("the kernel refused the reply to {} with errno {}", this, -result);
            if (error == 0) {
                send(-Errno.EIO.number(), 0);
            }
        }
        return false;
    }

    /** Whether the reply may need more than {@code room} bytes; judged by the request alone. */
    boolean mayReplyMoreThan(int room) {
        return switch (opcode) {
            case Opcode.READ, Opcode.READDIR, Opcode.READDIRPLUS -> intAt(ReadIn.BYTES) > room;
            case Opcode.GETXATTR, Opcode.LISTXATTR -> intAt(Getxattr.BYTES) > room;
            default -> false;
        };
    }

    /** For messages: what is asked of which inode by whom. */
    @Override
    public String toString() {
        return "%s of i%s by process %d (request %d)"
                .formatted(Opcode.name(opcode), Long.toUnsignedString(nodeId), pid(), unique);
    }
}
