import process from 'node:process';
import cliProgress from 'cli-progress';
import { cyan, dim } from 'yoctocolors';
import type { Progress } from './run.ts';
import { formatBytes, percent } from './table.ts';

const FRAMES_PER_SECOND = 8;
/** How far back the rate looks. */
const RATE_WINDOW_MS = 3_000;
/** In a pipe there is a line this often. */
const LINE_EVERY_MS = 5_000;
/** What stands beside the bar, at its longest. */
const FACTS_WIDTH = 60;

/** Shows how far the transfer is, on standard error. */
export interface ProgressDisplay {
  show(progress: Progress): void;
  /** Leaves nothing behind but whole lines. */
  stop(): void;
}

/** A bar on a terminal; a line now and then in a pipe; nothing when programs read the result. */
export function progressDisplay(sizeBytes: number, isQuiet: boolean): ProgressDisplay {
  if (process.stderr.isTTY) return new Bar(sizeBytes);
  return isQuiet ? { show: () => {}, stop: () => {} } : new Lines(sizeBytes);
}

class Bar implements ProgressDisplay {
  readonly #bar: cliProgress.SingleBar;
  readonly #facts: Facts;

  constructor(sizeBytes: number) {
    this.#facts = new Facts(sizeBytes);
    this.#bar = new cliProgress.SingleBar({
      fps: FRAMES_PER_SECOND,
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
      format: (_options, { progress }, payload: { facts: string }) =>
        `  ${bar(progress)} ${percent(progress, 0).padStart(5)}  ${payload.facts}`,
    });
    this.#bar.start(sizeBytes, 0, { facts: 'starting' });
  }

  show(progress: Progress): void {
    this.#bar.update(progress.bytes, { facts: this.#facts.describe(progress) });
  }

  stop(): void {
    this.#bar.stop();
  }
}

class Lines implements ProgressDisplay {
  readonly #sizeBytes: number;
  readonly #facts: Facts;
  #shownAt = performance.now();

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
    this.#facts = new Facts(sizeBytes);
  }

  show(progress: Progress): void {
    const facts = this.#facts.describe(progress);
    if (performance.now() - this.#shownAt < LINE_EVERY_MS) return;
    this.#shownAt = performance.now();
    const share = percent(progress.bytes / this.#sizeBytes, 0);
    process.stderr.write(`  ${share} of ${formatBytes(this.#sizeBytes)}  ${facts}\n`);
  }

  stop(): void {}
}

/** Rate, time left, round trip and retransmissions, in columns that do not jump. */
class Facts {
  readonly #sizeBytes: number;
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  constructor(sizeBytes: number) {
    this.#sizeBytes = sizeBytes;
  }

  describe({ bytes, sender }: Progress): string {
    const bytesPerMs = this.#rate(bytes);
    const left = bytesPerMs > 0 ? duration((this.#sizeBytes - bytes) / bytesPerMs / 1000) : '';
    const facts = [`${((bytesPerMs * 8) / 1000).toFixed(1)} Mbit/s`.padStart(12), left.padStart(10)];
    if (sender !== undefined) {
      const again = percent(sender.totalRetransSegments / Math.max(1, sender.segsOut));
      facts.push(`RTT ${(sender.rttUs / 1000).toFixed(0)} ms`.padStart(10), `${again} again`.padStart(12));
    }
    return facts.join(' ');
  }

  /** Bytes in a millisecond, over the last few seconds. */
  #rate(bytes: number): number {
    const now = performance.now();
    this.#samples.push({ at: now, bytes });
    while (this.#samples.length > 2 && this.#samples[0]!.at < now - RATE_WINDOW_MS) this.#samples.shift();
    const first = this.#samples[0]!;
    return now > first.at ? (bytes - first.bytes) / (now - first.at) : 0;
  }
}

function bar(progress: number): string {
  const width = Math.max(10, Math.min(40, (process.stderr.columns ?? 80) - FACTS_WIDTH));
  const filled = Math.round(progress * width);
  return cyan('━'.repeat(filled)) + dim('─'.repeat(width - filled));
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s left`;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')} left`;
}
