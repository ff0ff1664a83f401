import type { LinkStats } from 'hawser/testing';
import type { Reports } from './run.ts';
import type { Settings } from './settings.ts';

/** What `--json` prints. */
export interface Result {
  readonly bytes: number;
  readonly seconds: number;
  /** Millions of payload bits in a second. */
  readonly goodputMbps: number;
  /** Of the link's raw rate, headers of IP, UDP and PTCP included in that. */
  readonly linkShare: number;
  readonly controller: string;
  readonly segmentsSent: number;
  readonly retransmittedSegments: number;
  /** Refused by the receiver: for their CRC-32, and for their form. */
  readonly crcFailures: number;
  readonly malformed: number;
  readonly sha256Equal: boolean;
  readonly sha256: { readonly sent: string; readonly received: string };
  readonly link: Omit<Settings, 'json' | 'file' | 'pcapFile' | 'traceFile' | 'sizeBytes'>;
  readonly relay: { readonly toReceiver: LinkStats; readonly toSender: LinkStats };
  /** Datagrams to the receiver that got lost outside the link: in the socket buffers of this machine. */
  readonly lostInSockets: number;
  readonly peakRssBytes: Processes;
  readonly cpuSeconds: Processes;
}

type Processes = Readonly<Record<'sender' | 'relay' | 'receiver', number>>;

export function resultOf(settings: Settings, { sender, receiver, relay }: Reports): Result {
  const {
    json: _json,
    file: _file,
    pcapFile: _pcapFile,
    traceFile: _traceFile,
    sizeBytes: _sizeBytes,
    ...link
  } = settings;
  const goodputMbps = (sender.bytes * 8) / sender.seconds / 1e6;
  const { toReceiver, toSender } = relay;
  return {
    bytes: receiver.bytes,
    seconds: rounded(sender.seconds, 3),
    goodputMbps: rounded(goodputMbps, 2),
    linkShare: rounded(goodputMbps / settings.rateMbit, 4),
    controller: sender.measures.congestion,
    segmentsSent: sender.measures.segsOut,
    retransmittedSegments: sender.measures.totalRetransSegments,
    crcFailures: receiver.crcFailures,
    malformed: receiver.malformed,
    sha256Equal: sender.isConfirmed && sender.sha256 === receiver.sha256 && sender.bytes === receiver.bytes,
    sha256: { sent: sender.sha256, received: receiver.sha256 },
    link,
    relay: { toReceiver, toSender },
    lostInSockets:
      Math.max(0, sender.measures.segsOut - toReceiver.sent) +
      Math.max(0, toReceiver.delivered - receiver.datagrams),
    peakRssBytes: {
      sender: sender.usage.peakRssBytes,
      relay: relay.usage.peakRssBytes,
      receiver: receiver.usage.peakRssBytes,
    },
    cpuSeconds: {
      sender: rounded(sender.usage.cpuSeconds, 2),
      relay: rounded(relay.usage.cpuSeconds, 2),
      receiver: rounded(receiver.usage.cpuSeconds, 2),
    },
  };
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
