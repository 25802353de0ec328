/**
 * Quorum registers as pure machines (DESIGN section 4, rules R1 to R12).
 *
 * <p><b>How a driver runs a {@link org.keelfs.register.Round}.</b> One lock or thread per chunk
 * owns the chunk's {@link org.keelfs.register.ChunkSession} and all its rounds. Call {@code start};
 * send what comes out, remember the request with the call, and give the answer back with {@code
 * onReply(from, request, reply, now, out)}, a lost connection or a passed RPC deadline with {@code
 * onFailure}; call {@code onTick} at {@code nextDeadlineNs()}. {@code finish} comes once. Effects
 * only enqueue: send after the call has returned and the lock is free. Late answers may still be
 * given to a finished round; to a finished {@link org.keelfs.register.WriteRound} they should, as
 * the session learns from them who has the run.
 *
 * <p><b>Getting a chunk OPEN.</b> From a layout answer make a {@link
 * org.keelfs.register.ChunkGrant}, then
 *
 * <ul>
 *   <li>epoch = the chunk's creation epoch, under WRITE: {@code ChunkSession.created};
 *   <li>the layout says OPEN, under READ or SHARED: {@code ChunkSession.joined};
 *   <li>else run one {@link org.keelfs.register.SealRound} with the layout's hint. {@code Opened}:
 *       report SEALED to the metadata server, go on when it accepts, with {@code
 *       ChunkSession.opened}. {@code StaleEpoch}, {@code LostSealerState} or a crash of the round:
 *       ask for a fresh epoch; never seal twice in one epoch. {@code QuorumLost}: EIO or a fresh
 *       epoch. A read that waits for it may ride along ({@code SealRound.letRide}).
 * </ul>
 *
 * A session under WRITE lives as long as its epoch; if it must be forgotten, ask for a fresh epoch.
 * One {@link org.keelfs.register.CounterSource} serves the whole mount.
 *
 * <p><b>One write</b> under WRITE: {@code session.nextTimestamp()}, encrypt under it, {@code new
 * WriteRound(session, run, timestamp, payload, times)}; writes of overlapping runs one after
 * another. {@code Stored}: done. {@code StaleEpoch}: the outcome is unknown and the epoch over:
 * EIO, unless the server says that nobody else wrote in between. {@code QuorumLost} or {@code
 * NoSpace}: in doubt; {@code resume} sends the same again; until it is stored, reads of the run
 * answer {@code Settle} or {@code InDoubt} and no hint is given.
 *
 * <p><b>One read</b> under READ or WRITE: {@code session.readPlan(run)}; for each {@code Part} one
 * {@link org.keelfs.register.ReadRound} with the part's sources, nearest first. {@code Answered}:
 * check tags, decrypt; a bad tag means one more round without that source. {@code damaged} nodes
 * get the values again by {@code WRITE} with the original timestamps. {@code InDoubt} and {@code
 * Settle}: resume the write, then plan anew. {@code NoSource}: plan anew; a plan {@code NoSource}:
 * run a {@code CatchUp} first, or ask for a fresh epoch when the session {@code needsFreshEpoch}.
 * In SHARED mode: {@link org.keelfs.register.SharedReadRound} and {@link
 * org.keelfs.register.SharedWriteRound} instead of all that.
 *
 * <p><b>In the background</b>: for each node of {@code session.behind()} now and then one {@code
 * replicaset.CatchUp}. <b>On the way out</b> of WRITE, with nothing in flight: one {@link
 * org.keelfs.register.HintRound} a chunk; {@code session.inDoubt()} goes into the lease's return.
 */
@CheckReturnValue
@NullMarked
package org.keelfs.register;

import com.google.errorprone.annotations.CheckReturnValue;
import org.jspecify.annotations.NullMarked;
