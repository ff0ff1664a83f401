import process from 'node:process';
import type { ChildMessage, Order, Usage } from './messages.ts';
import type { Settings } from './settings.ts';

/** What this process was started to do. It ends when its parent does, whatever that dies of. */
export function orderFromParent(): Order<Settings> {
  if (process.send === undefined) {
    process.stderr.write('demo: this is a part of it; start the whole with: npm run demo\n');
    process.exit(2);
  }
  process.on('disconnect', () => process.exit());
  // Ctrl-C reaches the whole group of processes: the parent decides.
  process.on('SIGINT', () => {});
  return JSON.parse(process.argv[2] ?? '') as Order<Settings>;
}

export function tellParent(message: ChildMessage): void {
  if (process.connected) process.send?.(message);
}

/** Calls when the parent asks for a report. */
export function onReportAsked(report: () => void): void {
  process.on('message', report);
}

export function usage(): Usage {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  return { peakRssBytes: maxRSS * 1024, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6 };
}
