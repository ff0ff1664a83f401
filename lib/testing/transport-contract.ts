import type { ContractTest } from './contract-world.ts';
import { LIFECYCLE_CONTRACT } from './lifecycle-contract.ts';
import { PRODUCER_CONTRACT } from './producer-contract.ts';
import { STREAM_CONTRACT } from './stream-contract.ts';

/** What every stream transport promises, a test for each promise. Run each in a world of its own. */
export const TRANSPORT_CONTRACT: readonly ContractTest[] = [
  ...STREAM_CONTRACT,
  ...PRODUCER_CONTRACT,
  ...LIFECYCLE_CONTRACT,
];
