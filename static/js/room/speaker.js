/** Who speaks, by the loudness that comes with the packets (RFC 6464): numbers in, a person out. */

/**
 * What one microphone has brought: `level` from 0 to 1, and the RTP timestamp of the packet that said so.
 *
 * @typedef {Readonly<{ participant: string, level: number, rtp: number }>} Heard
 */
/** Who spoke last, and whether they still do. @typedef {Readonly<{ participant: string, speaking: boolean }>} Speaking */

/** How often to look. */
export const LISTEN_MS = 200;
/** Speech is louder than this: −36 dBov. */
const LOUD = 0.016;
/** What stays of a loudness until the next look: the short rests within a sentence do not count. */
const FADE = 0.8;
/** A cough is over before so many looks; who speaks on takes the turn. */
const LOOKS = 4;
/** Who takes the turn is louder than who has it. */
const LOUDER = 1.5;

export class Speaker {
  constructor() {
    /** @type {Map<string, number>} */
    this._levels = new Map();
    /** @type {Map<string, number>} */
    this._rtp = new Map();
    this._now = "";
    this._candidate = "";
    this._looks = 0;
  }

  /** @param {readonly Heard[]} heard What all microphones of others have brought until now. @returns {Speaking} */
  look(heard) {
    this._levels = new Map(heard.map((one) => [one.participant, this._smooth(one)]));
    this._rtp = new Map(heard.map((one) => [one.participant, one.rtp]));
    const [loudest, level] = [...this._levels].reduce((a, b) => (b[1] > a[1] ? b : a), /** @type {[string, number]} */ (["", LOUD]));
    const has = this._levels.get(this._now) ?? 0;
    const louder = loudest !== "" && loudest !== this._now && (has <= LOUD || level > has * LOUDER);
    this._looks = louder && loudest === this._candidate ? this._looks + 1 : louder ? 1 : 0;
    this._candidate = louder ? loudest : "";
    if (this._looks >= LOOKS) {
      this._now = loudest;
      this._looks = 0;
    }
    return { participant: this._now, speaking: (this._levels.get(this._now) ?? 0) > LOUD };
  }

  /** A level without a new packet is of the past. @param {Heard} heard */
  _smooth({ participant, level, rtp }) {
    const faded = (this._levels.get(participant) ?? 0) * FADE;
    return this._rtp.get(participant) === rtp ? faded : Math.max(level, faded);
  }
}
