/** How far the server's clock is ahead of ours: the sample with the least round trip of the last eight. */

const KEPT = 8;

/** @typedef {Readonly<{ offset_ms: number, trip_ms: number }>} ClockSample */
/** @typedef {readonly ClockSample[]} ServerClock */

/**
 * Take one answered ping.
 *
 * @param {ServerClock} clock
 * @param {{ sent_at: number, server_time: number, received_at: number }} pong
 * @returns {ServerClock}
 */
export function heard(clock, { sent_at, server_time, received_at }) {
  const trip = received_at - sent_at;
  if (trip < 0) return clock;
  return [...clock, { offset_ms: server_time - (sent_at + trip / 2), trip_ms: trip }].slice(-KEPT);
}

/**
 * Milliseconds to add to our time to have the server's; 0 as long as nothing is known.
 *
 * @param {ServerClock} clock
 */
export function offsetMs(clock) {
  return best(clock)?.offset_ms ?? 0;
}

/** Least round trip seen of late, null as long as none is known. @param {ServerClock} clock */
export function tripMs(clock) {
  return best(clock)?.trip_ms ?? null;
}

/** @param {ServerClock} clock @returns {ClockSample | undefined} */
function best(clock) {
  return clock.reduce(
    (/** @type {ClockSample | undefined} */ least, sample) =>
      least === undefined || sample.trip_ms < least.trip_ms ? sample : least,
    undefined,
  );
}
