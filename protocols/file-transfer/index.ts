export { TransferError, type TransferReason } from './errors.ts';
export type { TransferEvent, TransferObserver } from './events.ts';
export { BLOCK_BYTES, MAX_NAME_BYTES } from './messages.ts';
export { isSafeName } from './names.ts';
export {
  FileReceiver,
  FileReceiverFactory,
  type ReceiverFactoryOptions,
  type ReceiverOptions,
} from './receiver.ts';
export { FileSender, type SenderOptions, type SourceFile } from './sender.ts';
export { HEARTBEAT_MS, SILENCE_LIMIT_MS } from './session.ts';
