/** Beeps: a burst for each priority, again and again while it lasts; silent until somebody has pressed for sound. */

/** @import { Priority } from "./alarm_messages.js" */

/** Hertz, beeps in a burst, and seconds from one burst to the next. @type {Readonly<Record<Priority, readonly [number, number, number]>>} */
const BURSTS = { high: [880, 10, 10], medium: [660, 3, 25], low: [520, 1, 30] };
const BEEP_S = 0.13;
const GAP_S = 0.09;
const MIDDLE_S = 0.35;
const REMINDER_HERTZ = 440;
const REMINDER_MS = 180_000;

export class AlarmSound {
  constructor() {
    /** @type {AudioContext | null} */
    this._context = null;
    this._next = 0;
    /** @type {Priority | null} */
    this._last = null;
    this._remindAt = Infinity;
  }

  get on() {
    return this._context?.state === "running";
  }

  /** Call it in the handler of a press: browsers allow sound only then. */
  async turnOn() {
    this._context ??= new AudioContext();
    await this._context.resume();
    this._next = 0;
  }

  async turnOff() {
    await this._context?.suspend();
  }

  /** Say what is to be heard now; call it at least twice a second. @param {Priority | null} priority @param {number} now */
  sound(priority, now) {
    const worse = priority !== null && priority !== this._last;
    this._last = priority;
    if (priority === null || this._context === null || !this.on || (!worse && now < this._next)) return;
    const [hertz, beeps, every_s] = BURSTS[priority];
    this._next = now + every_s * 1000;
    for (let n = 0; n < beeps; n += 1) this._beep(this._context, hertz, n * (BEEP_S + GAP_S) + (n >= 5 ? MIDDLE_S : 0));
  }

  /** A beep now and then says that alarms are off; call it as often as `sound`. @param {boolean} off @param {number} now */
  remind(off, now) {
    if (!off) this._remindAt = Infinity;
    else if (this._remindAt === Infinity) this._remindAt = now + REMINDER_MS;
    if (now < this._remindAt) return;
    this._remindAt = now + REMINDER_MS;
    if (this._context !== null && this.on) this._beep(this._context, REMINDER_HERTZ, 0);
  }

  /** @param {AudioContext} context @param {number} hertz @param {number} after */
  _beep(context, hertz, after) {
    const at = context.currentTime + after;
    const oscillator = new OscillatorNode(context, { frequency: hertz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.2, at + 0.015);
    gain.gain.setValueAtTime(0.2, at + BEEP_S - 0.02);
    gain.gain.linearRampToValueAtTime(0, at + BEEP_S);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + BEEP_S);
  }
}
