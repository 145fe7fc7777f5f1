/** What an offer means for our lines (RFC 8829): pure reading of SDP and of the list of tracks. */

/** @import { OfferedTrack, Source } from "./messages.js" */

/**
 * The ICE user fragment of the SDP: another one is another transport (RFC 8839 §5.4).
 *
 * @param {string} sdp
 */
export function transportOf(sdp) {
  return /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1] ?? "";
}

/**
 * Which source each line of ours carries, by mid.
 *
 * @param {readonly OfferedTrack[]} tracks
 * @param {string} me
 * @returns {ReadonlyMap<string, Source>}
 */
export function ownLines(tracks, me) {
  return new Map(tracks.filter((track) => track.participant === me).map((track) => [track.mid, track.source]));
}

/** The small size: for a viewer whose link is weak, while others get the full one. */
const SMALL_HEIGHT = 180;
const SMALL = { maxBitrate: 150_000, maxFramerate: 15 };

/**
 * Whether the line with this mid is to carry the small size.
 *
 * @param {readonly OfferedTrack[]} tracks
 * @param {string} mid
 */
export function isSmall(tracks, mid) {
  return tracks.some((track) => track.mid === mid && track.layer === "small");
}

/**
 * How the small size is encoded from a picture of this height.
 *
 * @param {number | undefined} height
 */
export function smallEncoding(height = 720) {
  return { ...SMALL, scaleResolutionDownBy: Math.max(1, height / SMALL_HEIGHT) };
}

/**
 * The answer, in which the browser also asks for lost packets of sound (RFC 4585 §4.2).
 *
 * Chromium does so on request, but leaves it out of what it writes by itself.
 *
 * @param {string} answer
 * @param {string} offer
 */
export function withVoiceRepair(answer, offer) {
  const number = /^a=rtpmap:(\d+) opus\//im.exec(offer)?.[1];
  const asks = new RegExp(`^a=rtcp-fb:${number} nack$`, "m");
  if (number === undefined || !asks.test(offer) || asks.test(answer)) return answer;
  const opus = new RegExp(`^(a=rtpmap:${number} opus/.*)$`, "gim");
  return answer.replace(opus, `$1\r\na=rtcp-fb:${number} nack`);
}

/** Around each packet of sound are 72 octets or so: three times as many packets a second would take 19 kbit/s more. */
const LONG_MS = 60;
const FRUGAL_BPS = 12_000;

/**
 * The offer, as it would be if whoever listens to us had asked for few long packets of sound (RFC 8866 §6.4, RFC 7587).
 *
 * @param {string} offer
 */
export function withLongPackets(offer) {
  const number = /^a=rtpmap:(\d+) opus\//im.exec(offer)?.[1];
  if (number === undefined) return offer;
  const format = new RegExp(`^(a=fmtp:${number} .*)$`, "gm");
  return offer.replace(format, `$1;ptime=${LONG_MS};maxptime=${LONG_MS};maxaveragebitrate=${FRUGAL_BPS}\r\na=ptime:${LONG_MS}`);
}

/** We may send for so long without hearing anything: the server answers what we send ten times a second. */
export const SILENT_MS = 1000;
const LEAST_SENT = 10;

/** Notices a path on which we send and nothing comes back. */
export class Silence {
  constructor() {
    this._transport = "";
    this._received = 0;
    this._sent = 0;
    this._since = 0;
  }

  /**
   * Take what has passed on the transport so far; say whether it has fallen silent.
   *
   * @param {string} transport
   * @param {{ sent: number, received: number }} flow
   * @param {number} now
   */
  heard(transport, { sent, received }, now) {
    if (transport !== this._transport || received !== this._received || sent < this._sent) {
      this._transport = transport;
      this._received = received;
      this._sent = sent;
      this._since = now;
      return false;
    }
    return sent - this._sent >= LEAST_SENT && now - this._since >= SILENT_MS;
  }
}
