package org.keelfs.rpc;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What a transport has done so far, over all its connections. Thread-safe. */
public final class RpcStatistics {
    private final AtomicLong connections = new AtomicLong();
    private final AtomicLong unansweredBytes = new AtomicLong();
    private final LongAdder calls = new LongAdder();
    private final LongAdder requests = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder busy = new LongAdder();
    private final LongAdder bytesIn = new LongAdder();
    private final LongAdder bytesOut = new LongAdder();

    RpcStatistics() {}

    /** Connections that are up now. */
    public long connections() {
        return connections.get();
    }

    /** Bytes of requests that came in and are not answered yet. */
    public long unansweredBytes() {
        return unansweredBytes.get();
    }

    /** Calls sent. */
    public long calls() {
        return calls.sum();
    }

    /** Requests taken. */
    public long requests() {
        return requests.sum();
    }

    /** Requests refused because of their sender's role. */
    public long refused() {
        return refused.sum();
    }

    /** Calls and requests that ended BUSY for want of room in the transport. */
    public long busy() {
        return busy.sum();
    }

    /** Bytes of frames received, before TLS adds to them. */
    public long bytesIn() {
        return bytesIn.sum();
    }

    /** Bytes of frames sent. */
    public long bytesOut() {
        return bytesOut.sum();
    }

    void onConnect() {
        connections.incrementAndGet();
    }

    void onDisconnect() {
        connections.decrementAndGet();
    }

    void onCall() {
        calls.increment();
    }

    void onRequest(int bytes) {
        requests.increment();
        unansweredBytes.addAndGet(bytes);
    }

    void onRequestEnd(int bytes) {
        unansweredBytes.addAndGet(-bytes);
    }

    void onRefused() {
        refused.increment();
    }

    void onBusy() {
        busy.increment();
    }

    void onFrameIn(int bytes) {
        bytesIn.add(bytes);
    }

    void onFrameOut(int bytes) {
        bytesOut.add(bytes);
    }
}
