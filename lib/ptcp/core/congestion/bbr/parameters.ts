// The constants of draft-ietf-ccwg-bbr-06, §2.5–2.16, in milliseconds, bytes and fractions.

/** 4 ln 2: the least that doubles the rate in each round trip. */
export const STARTUP_PACING_GAIN = 2.77;
export const DRAIN_PACING_GAIN = 0.5;
export const DOWN_PACING_GAIN = 0.9;
export const UP_PACING_GAIN = 1.25;
export const DEFAULT_CWND_GAIN = 2;
export const UP_CWND_GAIN = 2.25;
export const PROBE_RTT_CWND_GAIN = 0.5;
/** A hundredth less than the bandwidth, so that queues drain. */
export const PACING_MARGIN = 0.01;

export const LOSS_THRESH = 0.02;
/** An RTT of so many times the least shows a queue. */
export const QUEUE_FACTOR = 1 + 1 / 8;
/** How much a round trip with losses takes off at most. */
export const BETA = 0.7;
/** What is left free of the in-flight data that was found safe, for others. */
export const HEADROOM = 0.15;
export const MIN_PIPE_CWND_SEGMENTS = 4;
export const STARTUP_FULL_LOSS_COUNT = 6;
export const FULL_BW_GROWTH = 1.25;
export const FULL_BW_ROUNDS = 3;
/** Rounds after which Drain ends even if the queue seems to be there still. */
export const DRAIN_ROUNDS = 3;

export const MIN_RTT_FILTER_MS = 10_000;
export const PROBE_RTT_INTERVAL_MS = 5000;
export const PROBE_RTT_DURATION_MS = 200;
/** A sample within this of the least confirms it, but ProbeRTT is put off for no longer than this. */
export const CONFIRMING_FACTOR = 1 + 1 / 64;
export const PROBE_RTT_LONGEST_MS = 30_000;

/** Rounds that the aggregation of ACKs is remembered. */
export const EXTRA_ACKED_ROUNDS = 10;
/** The time between probes for bandwidth: the first and random part of it, and how many round trips it is at most. */
export const PROBE_WAIT_MS = 2000;
export const PROBE_WAIT_RANDOM_MS = 1000;
export const PROBE_ROUNDS = 63;

export const SEND_QUANTUM_MS = 1;
export const MAX_SEND_QUANTUM_BYTES = 65_536;
/** How many quanta sit in the sender, and in the receiver before they are acknowledged (§5.5.8.1). */
export const OFFLOAD_QUANTA = 3;
