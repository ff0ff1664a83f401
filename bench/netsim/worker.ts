// A process that measures the cells it is sent.
import { measure } from './measure.ts';
import type { Answer, Errand } from './pool.ts';

process.on('message', (errand: Errand) => {
  const answer: Answer = { index: errand.index, result: measure(errand.cell) };
  process.send?.(answer);
});

// Who asked is gone.
process.on('disconnect', () => process.exit());
