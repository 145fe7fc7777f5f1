/** A short two-tone chime, made here: browsers let it sound only after somebody has pressed something. */

export class Chime {
  constructor() {
    /** @type {AudioContext | null} */
    this.context = null;
  }

  /** @returns {boolean} whether it would be heard now */
  get ready() {
    return this.context?.state === "running";
  }

  /** Ask the browser for sound; call it in the handler of a press. */
  async unlock() {
    this.context ??= new AudioContext();
    if (this.context.state !== "running") await this.context.resume();
  }

  /** Sound once, if it may. */
  play() {
    if (!this.context || !this.ready) return;
    const start = this.context.currentTime;
    this.tone(this.context, 660, start);
    this.tone(this.context, 880, start + 0.18);
  }

  /**
   * @param {AudioContext} context
   * @param {number} hertz
   * @param {number} at
   */
  tone(context, hertz, at) {
    const oscillator = new OscillatorNode(context, { frequency: hertz });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.4);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.45);
  }
}
