/** One mistake that somebody could have made in the core. `find` occurs exactly once in the file. */
export interface Fault {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const CORE = 'lib/ptcp/core';

/** A fault in `file` of the core. */
function fault(file: string, name: string, find: string, replace: string): Fault {
  return { name, file: `${CORE}/${file}`, find, replace };
}

export const FAULTS: readonly Fault[] = [
  // What arrives.
  fault(
    'input.ts',
    'the right edge of the window is one too far',
    'return (start >= 0 && start < window) ||',
    'return (start >= 0 && start <= window) ||',
  ),
  fault(
    'input.ts',
    'a bare ACK one behind the window is taken',
    ': start >= 0 && start < window;',
    ': start >= 0 && start <= window;',
  ),
  fault(
    'input.ts',
    'a reset anywhere in the window kills',
    'if (segment.seq !== tcb.rcvNxt) {\n    oweChallengeAck',
    'if (false) {\n    oweChallengeAck',
  ),
  fault(
    'input.ts',
    'a SYN in the window changes what is expected',
    'if ((segment.flags & Flag.SYN) !== 0) {\n    oweChallengeAck(tcb, now);\n    return;',
    'if ((segment.flags & Flag.SYN) !== 0) {\n    tcb.rcvNxt = segment.seq;\n    return;',
  ),
  fault('input.ts', 'PAWS is not looked at', 'if (isPawsReject(tcb, segment, now)) {', 'if (false) {'),
  fault(
    'input.ts',
    'a segment without an ACK is gone on with',
    'if ((segment.flags & Flag.ACK) === 0) return;\n',
    '',
  ),
  fault(
    'input.ts',
    'text is not cut to the window',
    'Math.min(segment.payloadEnd, segment.payloadStart + Math.max(0, edge - start))',
    'segment.payloadEnd',
  ),
  fault(
    'input.ts',
    'a FIN is taken before the text in front of it',
    'if (tcb.pendingFin === tcb.rcvNxt && canReceiveText(tcb)) finArrives(tcb);',
    'if (tcb.pendingFin !== undefined && canReceiveText(tcb)) finArrives(tcb);',
  ),
  fault(
    'input.ts',
    'a FIN takes no sequence number',
    'tcb.isFinReceived = true;\n  tcb.rcvNxt = seqAdd(tcb.rcvNxt, 1);',
    'tcb.isFinReceived = true;',
  ),
  fault(
    'input.ts',
    'a FIN that comes again is not acknowledged',
    '// It was heard: say so again, since the ACK may be lost.\n    oweAck(tcb);',
    '',
  ),
  fault(
    'input.ts',
    'text out of order is not acknowledged at once',
    'if (grown > 0 || !isVertex(tcb)) oweAck(tcb);',
    'if (grown > 0) oweAck(tcb);',
  ),
  fault(
    'input.ts',
    'an unacceptable segment gets no ACK',
    'if (segment.payloadEnd > segment.payloadStart || (isVertex(tcb) && isAckMissing(segment))) oweAck(tcb);\n  else',
    'if (isVertex(tcb))',
  ),
  fault(
    'input.ts',
    'the ACK of our FIN is not noticed',
    'if (isFinAcknowledged(tcb)) finAcknowledged(tcb);',
    '',
  ),
  fault(
    'timestamps.ts',
    'TS.Recent follows segments beyond a gap',
    'if (isNewer && seqLessOrEqual(segment.seq, tcb.lastAckSent)) {',
    'if (isNewer) {',
  ),
  fault(
    'timestamps.ts',
    'PAWS refuses equal timestamps',
    'seqLess(segment.tsVal, tcb.tsRecent) &&',
    'seqLessOrEqual(segment.tsVal, tcb.tsRecent) &&',
  ),
  fault(
    'recv-buffer.ts',
    'the end of an isle is lost',
    'this.#isles.add(first, last);',
    'this.#isles.add(first, last - 1);',
  ),
  fault(
    'recv-buffer.ts',
    'an overlap is taken twice',
    'const from = start + skipped;',
    'const from = start;',
  ),
  fault('recv-buffer.ts', 'isles are not bounded', 'if (this.#isles.count >= MAX_ISLES &&', 'if (false &&'),
  // What is acknowledged.
  fault(
    'ack.ts',
    'an ACK of what was never sent is believed',
    'if (seqLess(tcb.sndNxt, segment.ack) ||',
    'if (',
  ),
  fault(
    'ack.ts',
    'the window is taken from old segments, too',
    'if (seqLess(segment.ack, sndWl2)) return false;',
    '',
  ),
  fault('ack.ts', 'the window is not scaled', 'segment.window * (1 << tcb.sndWindShift)', 'segment.window'),
  fault(
    'ack.ts',
    'a window that opens starts nothing',
    'if (before === 0 && tcb.sndWnd > 0) windowOpened(tcb, now);',
    '',
  ),
  fault('ack.ts', 'a writer is not told that there is room', 'tcb.news |= News.Writable;', ''),
  // Timers.
  fault('timers.ts', 'the persist timer is not armed', 'tcb.persistAt = now + delayMs;', ''),
  fault(
    'timers.ts',
    'the persist timer does not back off',
    'rtt.rtoMs * 2 ** tcb.persistBackoff',
    'rtt.rtoMs',
  ),
  fault(
    'timers.ts',
    'a lost SYN is not sent again',
    'tcb.path.rtt.backOff();\n  tcb.owesSyn = true;',
    'tcb.path.rtt.backOff();',
  ),
  fault(
    'timers.ts',
    'keep-alive asks while something is outstanding',
    'if (tcb.sent.count > 0) return;\n  tcb.keepAliveProbesSent',
    'tcb.keepAliveProbesSent',
  ),
  fault(
    'timers.ts',
    'the delayed ACK is forgotten',
    'if (tcb.delayedAckAt <= now) {\n    tcb.delayedAckAt = NEVER;',
    'if (tcb.delayedAckAt <= now) {\n    tcb.delayedAckAt = NEVER;\n    return;',
  ),
  fault(
    'timers.ts',
    'nothing is ever given up',
    "if (now - tcb.unansweredSince < R2_LEAST_MS) return false;\n  endConnection(tcb, 'timeout');\n  return true;",
    'return false;',
  ),
  fault('rtt.ts', 'the RTO does not double', 'if (this.rtoMs < this.#maxMs) this.#backoff += 1;', ''),
  fault('rtt.ts', 'RTTVAR counts once instead of four times', '4 * this.rttvarMs', 'this.rttvarMs'),
  fault(
    'delivery-rate.ts',
    'Karn’s rule is forgotten',
    'if (segment.transmissions > 1) {\n      this.#hasResent = true;\n      this.rttMs = Number.NaN;\n    } else if',
    'if',
  ),
  // What is sent.
  fault(
    'output.ts',
    'new text ignores the peer’s window',
    'const length = Math.min(unsent, mss, Math.max(usable, 0));',
    'const length = Math.min(unsent, mss);',
  ),
  fault(
    'output.ts',
    'new text ignores the congestion window',
    "if (inFlight > 0 && inFlight + size > sendingWindow(tcb)) return 'cwnd';",
    '',
  ),
  fault('output.ts', 'Nagle is forgotten', 'return (tcb.nagle && tcb.sent.count > 0) ||', 'return'),
  fault(
    'output.ts',
    'the FIN is sent before the text',
    'const hasFin = wantsFin && length === unsent &&',
    'const hasFin = wantsFin &&',
  ),
  fault(
    'output.ts',
    'the FIN changes no state',
    "tcb.isFinSent = true;\n  tcb.state = nextState(tcb.state, 'user-close');",
    'tcb.isFinSent = true;',
  ),
  fault(
    'output.ts',
    'PSH is on every segment',
    'if (isPushed && textBytes > 0) flags |= Flag.PSH;',
    'if (textBytes > 0) flags |= Flag.PSH;',
  ),
  fault(
    'output.ts',
    'the timer is not armed for what is sent',
    'if (writer.count > 0 && tcb.retransmitAt === NEVER) armRetransmit(tcb, writer.now);',
    '',
  ),
  fault(
    'window.ts',
    'the right edge moves back',
    'if (seqDiff(edge, tcb.rcvAdv) > 0) tcb.rcvAdv = edge;',
    'tcb.rcvAdv = edge;',
  ),
  fault(
    'window.ts',
    'the window that was promised is not kept',
    'return free - kept >= threshold ? free : kept;',
    'return free;',
  ),
  fault(
    'window.ts',
    'a window that opens is not told',
    'return gain >= tcb.rcvLimitBytes / 4 || kept < 2 * step;',
    'return false;',
  ),
  fault('debts.ts', 'challenge ACKs are not counted', 'if (tcb.challengeAcksLeft === 0) return;', ''),
  fault(
    'debts.ts',
    'every fourth segment is acknowledged',
    'tcb.profile.ackEverySegments * tcb.rcvMss',
    '2 * tcb.profile.ackEverySegments * tcb.rcvMss',
  ),
  // SACK and recovery.
  fault(
    'sack.ts',
    'the second SACK block is ignored',
    'block < segment.sackCount; block += 1',
    'block < Math.min(1, segment.sackCount); block += 1',
  ),
  fault(
    'sack.ts',
    'SACK beyond SND.NXT is believed',
    'last <= first || last > flightSize(tcb)) continue;',
    'last <= first) continue;',
  ),
  fault(
    'sack.ts',
    'the isle that grew last is not first',
    'tcb.recentIsles = [offset, ...others.slice(0, MAX_SACK_BLOCKS - 1)];',
    'tcb.recentIsles = [...others.slice(0, MAX_SACK_BLOCKS - 1), offset];',
  ),
  fault(
    'sack.ts',
    'D-SACK is never told',
    'if (tcb.dsackStart !== tcb.dsackEnd && max > 0) {',
    'if (false) {',
  ),
  fault(
    'sent-segments.ts',
    'an ACK that cuts a segment keeps all of it',
    'segment.seq = ack;\n      segment.length -= cut;',
    'segment.seq = ack;',
  ),
  fault(
    'ending.ts',
    'timers run on after the end',
    'else tcb.recvBuffer.clear();\n  disarmAll(tcb);',
    'else tcb.recvBuffer.clear();',
  ),
  fault('rack.ts', 'the reordering timer is not armed', 'tcb.reorderAt = lostAt;\n', ''),
  fault(
    'rack.ts',
    'there is no reordering window',
    'if (!rack.isReorderingSeen && isLossCertain) return 0;',
    'return 0;',
  ),
  fault(
    'rack.ts',
    'an ACK of the original counts for the copy',
    'if (segment.transmissions > 1 && isOfEarlierCopy(tcb, segment, rttMs, echo)) return;',
    '',
  ),
  fault('rack.ts', 'D-SACKs do not widen the reordering window', 'rack.reoWndMult += 1;', ''),
  fault(
    'tlp.ts',
    'the tail is never probed',
    'tcb.tailProbeAt = Math.min(now + ptoMs, tcb.retransmitAt);',
    '',
  ),
  fault(
    'tlp.ts',
    'a loss that the probe repaired is no congestion',
    'tcb.tailProbe = undefined;\n  return !isNeedless;',
    'tcb.tailProbe = undefined;\n  return false;',
  ),
  fault(
    'prr.ts',
    'PRR sends without regard to what is delivered',
    'prr.cwndBytes = inFlightBytes + Math.max(0, sndCnt);',
    'prr.cwndBytes = 2 * inFlightBytes + 10_000;',
  ),
  fault(
    'recovery.ts',
    'a time-out does not touch the window',
    'congestion.onTimeout(',
    '((..._facts: unknown[]) => {})(',
  ),
  fault(
    'frto.ts',
    'a spurious time-out is never proven',
    'return isNews && !coversMore(tcb, segment);',
    'return false;',
  ),
  // Opening and closing.
  fault(
    'handshake.ts',
    'a simultaneous SYN is not answered',
    "tcb.state = nextState(tcb.state, 'rcv-syn');\n    tcb.owesSyn = true;",
    "tcb.state = nextState(tcb.state, 'rcv-syn');",
  ),
  fault(
    'handshake.ts',
    'an ACK of another SYN is taken for that of ours',
    'if (hasAck && (seqLessOrEqual(segment.ack, tcb.iss) || seqLess(maxSynAck(tcb), segment.ack))) {',
    'if (false) {',
  ),
  fault(
    'handshake.ts',
    'the peer’s MSS is not kept',
    'Math.max(syn.mss === 0 ? profile.defaultPeerMssBytes : syn.mss, LEAST_PEER_MSS)',
    '1460',
  ),
  fault(
    'time-wait.ts',
    'a reset in TIME-WAIT is answered',
    "if ((flags & Flag.RST) !== 0) return 'nothing';",
    '',
  ),
  fault(
    'time-wait.ts',
    'an old SYN reopens TIME-WAIT',
    'return seqLess(record.tsRecent, syn.tsVal) ||',
    'return true ||',
  ),
  fault(
    'time-wait.ts',
    'TIME-WAIT does not begin anew with a FIN',
    'if (isFinAgain) record.dueAt = now + record.timeWaitMs;',
    '',
  ),
  fault(
    'syn-cookies.ts',
    'any ACK is taken for a cookie',
    'if (((hash << HASH_SHIFT) | low) >>> 0 !== iss) return undefined;',
    '',
  ),
  fault(
    'syn-cookies.ts',
    'the window scale of a cookie is off by one',
    'sndWindShift: isScalingOn ? scale : 0,',
    'sndWindShift: isScalingOn ? scale + 1 : 0,',
  ),
  fault(
    'strays.ts',
    'resets are answered with resets',
    'if ((segment.flags & Flag.RST) !== 0 || !this.#mayAnswer(path, now)) return false;',
    'if (!this.#mayAnswer(path, now)) return false;',
  ),
  fault(
    'wire/codec.ts',
    'the CRC leaves the options out',
    'return crc32(bytes, start + HEADER_BYTES, end, crc32(bytes, start, start + 16));',
    'return crc32(bytes, Math.min(start + 32, end), end, crc32(bytes, start, start + 16));',
  ),
  fault(
    'user-calls.ts',
    'close forgets the FIN',
    'tcb.owesAck = true;\n  shutdown(tcb);',
    'tcb.owesAck = true;',
  ),
];
