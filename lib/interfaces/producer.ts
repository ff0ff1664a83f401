/** A source of bytes that can be told to wait. Modelled on Twisted's IPushProducer and IPullProducer. */
export interface Producer {
  /** Go on. A pull producer (streaming false) writes one chunk for each call. */
  resumeProducing(): void;
  /** Stop for good: the consumer is gone. */
  stopProducing(): void;
}

/** A producer that writes on its own until it is paused. */
export interface PushProducer extends Producer {
  pauseProducing(): void;
}

/** A sink of bytes with back-pressure. Modelled on Twisted's IConsumer. */
export interface Consumer {
  /**
   * Puts `producer` under this consumer's control until unregisterProducer.
   *
   * With `streaming` it is paused when too much is buffered and resumed when that has drained; without, it is asked
   * for each chunk. Throws UsageError when one is registered, or this is
   * none; on a lost connection calls stopProducing at once.
   */
  registerProducer(producer: PushProducer, streaming: true): void;
  registerProducer(producer: Producer, streaming: false): void;
  unregisterProducer(): void;
  write(bytes: Uint8Array): boolean;
}
