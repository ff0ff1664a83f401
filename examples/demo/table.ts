import { bold, cyan, dim, green, red } from 'yoctocolors';
import type { Result } from './result.ts';
import type { Settings } from './settings.ts';

const LABEL_WIDTH = 12;
const COUNT_WIDTH = 14;

/** What the demo is about to do, shown before it does. */
export function describeTask(settings: Settings): string {
  return lines([
    '',
    bold('Three processes on this machine: sender → relay → receiver'),
    '',
    row('link', describeLink(settings)),
    row('delay', describeDelay(settings)),
    row('faults', describeFaults(settings)),
    row('payload', describePayload(settings)),
    '',
  ]);
}

/** What came of it. */
export function describeResult(result: Result): string {
  const { sha256, sha256Equal: isEqual } = result;
  const { sent, received } = sha256;
  const verdict = isEqual
    ? green('✓ every byte arrived: the SHA-256 is the same at both ends')
    : red('✗ the bytes that arrived are not those that were sent');
  return lines([
    row('bytes', result.bytes.toLocaleString('en')),
    row('time', `${result.seconds.toFixed(2)} s`),
    row(
      'goodput',
      `${bold(`${result.goodputMbps.toFixed(1)} Mbit/s`)}, ${cyan(percent(result.linkShare))} of the link`,
    ),
    row('controller', describeController(result)),
    row('segments', describeSegments(result)),
    ...describeRefused(result),
    '',
    ...describeRelay(result),
    '',
    row('sent', sent),
    row('received', isEqual ? received : red(received)),
    '',
    verdict,
    '',
  ]);
}

/** A number of bytes for people: `64 MiB`, `700 MB`, `1,234 bytes`. */
export function formatBytes(byteCount: number): string {
  const units = [
    ['GiB', 2 ** 30],
    ['GB', 1e9],
    ['MiB', 2 ** 20],
    ['MB', 1e6],
    ['KiB', 2 ** 10],
    ['kB', 1e3],
  ] as const;
  const exact = units.find(([, unit]) => byteCount >= unit && Number.isInteger((byteCount / unit) * 10));
  if (exact !== undefined) return `${byteCount / exact[1]} ${exact[0]}`;
  const near = units.find(([name, unit]) => name.includes('i') && byteCount >= unit);
  return near === undefined ? `${byteCount} bytes` : `${(byteCount / near[1]).toFixed(1)} ${near[0]}`;
}

export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

function describeLink({ rateMbit, rttMs, queueBytes }: Settings): string {
  const bdps = (queueBytes * 8) / 1000 / (rateMbit * rttMs);
  const products = rttMs > 0 ? ` (${Number(bdps.toFixed(2))} BDP)` : '';
  return `${rateMbit} Mbit/s each way, a queue of ${formatBytes(queueBytes)}${products}`;
}

function describeDelay({ rttMs, jitterMs }: Settings): string {
  return `${rttMs} ms round trip${jitterMs > 0 ? `, up to ${jitterMs} ms of jitter each way` : ''}`;
}

function describeFaults({ loss, reorder, duplicate, corrupt }: Settings): string {
  const faults = [
    [loss, 'lost'],
    [reorder, 'reordered'],
    [duplicate, 'duplicated'],
    [corrupt, 'corrupted'],
  ] as const;
  const present = faults.filter(([share]) => share > 0);
  if (present.length === 0) return 'none';
  return present.map(([share, what]) => `${Number((share * 100).toFixed(6))} % ${what}`).join(', ');
}

function describePayload({ file, sizeBytes, seed }: Settings): string {
  const what = file === undefined ? 'made from the seed' : `of ${file}`;
  return `${formatBytes(sizeBytes)} ${what}${file === undefined ? ` ${seed}` : `; faults by the seed ${seed}`}`;
}

function describeController({ controller, link, linkShare }: Result): string {
  if (controller === 'bbr' || link.loss + link.corrupt === 0 || linkShare > 0.5) return controller;
  return `${controller}: it takes random loss for congestion; bbr does not`;
}

function describeSegments({ segmentsSent, retransmittedSegments }: Result): string {
  const again = retransmittedSegments.toLocaleString('en');
  const share = percent(retransmittedSegments / Math.max(1, segmentsSent), 2);
  return `${segmentsSent.toLocaleString('en')} sent, ${again} of them again (${share})`;
}

/** Only what happened: on most runs, nothing. */
function describeRefused({ crcFailures, malformed, lostInSockets }: Result): string[] {
  const refused = [];
  if (crcFailures + malformed > 0) {
    refused.push(row('refused', `${crcFailures} by PTCP's CRC-32, ${malformed} for their form`));
  }
  if (lostInSockets > 0) {
    refused.push(row('this machine', `lost ${lostInSockets} more in its own sockets: it was too busy`));
  }
  return refused;
}

function describeRelay({ relay: { toReceiver, toSender } }: Result): string[] {
  const counts = [
    ['datagrams', toReceiver.sent, toSender.sent],
    ['queue full', toReceiver.queueDropped, toSender.queueDropped],
    ['lost', toReceiver.lost, toSender.lost],
    ['reordered', toReceiver.reordered, toSender.reordered],
    ['duplicated', toReceiver.duplicated, toSender.duplicated],
    ['corrupted', toReceiver.corrupted, toSender.corrupted],
  ] as const;
  return [
    row('the relay', dim(`${'→ receiver'.padStart(COUNT_WIDTH)}${'sender ←'.padStart(COUNT_WIDTH)}`)),
    ...counts.map(([what, forth, back]) => row(what, column(forth) + column(back))),
  ];
}

function column(count: number): string {
  const text = count.toLocaleString('en').padStart(COUNT_WIDTH);
  return count === 0 ? dim(text) : text;
}

function row(label: string, text: string): string {
  return `${dim(label.padEnd(LABEL_WIDTH))}${text}`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text === '' ? '' : `  ${text}`}\n`).join('');
}
