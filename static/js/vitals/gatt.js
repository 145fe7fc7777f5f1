/**
 * What Bluetooth health sensors send, decoded: the twin of telehealth/interop/gatt, with which it shares its vectors.
 * The server decodes the same octets again and compares; this one is for what the page shows at once.
 */

/** @typedef {"good" | "questionable" | "invalid"} Quality */
/** @typedef {{ mdc: number, value: number | null, unit: string, quality: Quality, reason: string }} Reading */
/**
 * @typedef {object} Measurement
 * @property {string} characteristic
 * @property {Reading[]} readings
 * @property {string | null} local_time The sensor's clock, without a zone.
 * @property {string[]} notes
 * @property {boolean} demo
 * @property {Record<string, unknown>} details
 */
/** @typedef {{ mantissa: number, exponent: number, special: string }} Decimal */
/** @typedef {{ year: number, month: number, day: number, hour: number, minute: number, second: number }} LocalTime */
/** @typedef {"u8" | "u16" | "i16" | "u24" | "sfloat" | "float" | "time" | "u16s"} Form */
/** @typedef {{ name: string, form: Form, bit?: number, wide?: number }} Field */
/** @typedef {{ quality: Quality, reason: string }} Verdict */

const MAX_BYTES = 512;
const FIRST_YEAR = 1582;

export class BadValue extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

// Numbers

/** @param {number} top the largest mantissa @returns {ReadonlyMap<number, string>} */
const specials = (top) =>
  new Map([
    [top, "not_a_number"],
    [top + 1, "not_at_this_resolution"],
    [top - 1, "positive_infinity"],
    [top + 3, "negative_infinity"],
    [top + 2, "reserved"],
  ]);

const SFLOAT_SPECIALS = specials(0x07ff);
const FLOAT_SPECIALS = specials(0x007fffff);

/** @param {number} raw @param {number} bits */
const signed = (raw, bits) => (raw >= 2 ** (bits - 1) ? raw - 2 ** bits : raw);

/** @param {number} raw @returns {Decimal} */
export function sfloat(raw) {
  // Before splitting: the special values are whole words.
  const special = SFLOAT_SPECIALS.get(raw) ?? "";
  if (special) return { mantissa: 0, exponent: 0, special };
  return { mantissa: signed(raw & 0x0fff, 12), exponent: signed(raw >>> 12, 4), special };
}

/** @param {number} raw @returns {Decimal} */
export function medicalFloat(raw) {
  const special = FLOAT_SPECIALS.get(raw) ?? "";
  if (special) return { mantissa: 0, exponent: 0, special };
  return { mantissa: signed(raw & 0x00ffffff, 24), exponent: signed(raw >>> 24, 8), special };
}

/**
 * The number × 10 ^ power, rounded once; null for something special.
 *
 * @param {Decimal} decimal
 * @param {number} [power]
 */
export function valueOf(decimal, power = 0) {
  if (decimal.special !== "") return null;
  // + 0: there is no minus zero.
  return Number(`${decimal.mantissa}e${decimal.exponent + power}`) + 0;
}

// Layouts

/** @type {Readonly<Record<Form, number>>} */
const OCTETS = { u8: 1, u16: 2, i16: 2, u24: 3, sfloat: 2, float: 4, time: 7, u16s: 0 };

/** @param {string} name @param {Form} form @param {number} [bit] @returns {Field} */
const field = (name, form, bit) => (bit === undefined ? { name, form } : { name, form, bit });

/** @type {readonly Field[]} */
const HEART_RATE = [{ name: "rate", form: "u8", wide: 0 }, field("energy", "u16", 3), field("intervals", "u16s", 4)];
/** @type {readonly Field[]} */
const OXIMETER_CONTINUOUS = [
  field("spo2", "sfloat"),
  field("pulse", "sfloat"),
  field("spo2_fast", "sfloat", 0),
  field("pulse_fast", "sfloat", 0),
  field("spo2_slow", "sfloat", 1),
  field("pulse_slow", "sfloat", 1),
  field("status", "u16", 2),
  field("sensor", "u24", 3),
  field("perfusion", "sfloat", 4),
];
/** @type {readonly Field[]} */
const OXIMETER_SPOT = [
  field("spo2", "sfloat"),
  field("pulse", "sfloat"),
  field("time", "time", 0),
  field("status", "u16", 1),
  field("sensor", "u24", 2),
  field("perfusion", "sfloat", 3),
];
/** @type {readonly Field[]} */
const BLOOD_PRESSURE = [
  field("systolic", "sfloat"),
  field("diastolic", "sfloat"),
  field("mean", "sfloat"),
  field("time", "time", 1),
  field("pulse", "sfloat", 2),
  field("user", "u8", 3),
  field("status", "u16", 4),
];
/** @type {readonly Field[]} */
const TEMPERATURE = [field("temperature", "float"), field("time", "time", 1), field("site", "u8", 2)];
/** @type {readonly Field[]} */
const WEIGHT = [
  field("weight", "u16"),
  field("time", "time", 1),
  field("user", "u8", 2),
  field("bmi", "u16", 3),
  field("height", "u16", 3),
];
/** @type {readonly Field[]} */
const GLUCOSE = [
  field("sequence", "u16"),
  field("time", "time"),
  field("offset", "i16", 0),
  field("concentration", "sfloat", 1),
  field("kind", "u8", 1),
  field("status", "u16", 3),
];
/** @type {readonly Field[]} */
const CGM = [
  field("concentration", "sfloat"),
  field("offset", "u16"),
  field("status", "u8", 7),
  field("calibration", "u8", 6),
  field("warning", "u8", 5),
  field("trend", "sfloat", 0),
  field("quality", "sfloat", 1),
];
const CGM_WITH_CHECK = [...CGM, field("check", "u16")];

/** What was read from one record. */
class Fields {
  /** @param {number} flags @param {ReadonlyMap<string, number | number[] | Decimal | LocalTime>} values */
  constructor(flags, values) {
    this.flags = flags;
    this._values = values;
  }

  /** @param {number} bit */
  has(bit) {
    return ((this.flags >>> bit) & 1) === 1;
  }

  /** @param {string} name */
  whole(name) {
    const value = this._values.get(name);
    return typeof value === "number" ? value : 0;
  }

  /** @param {string} name @returns {Decimal | null} */
  decimal(name) {
    const value = this._values.get(name);
    return typeof value === "object" && "mantissa" in value ? value : null;
  }

  /** @param {string} name @returns {readonly number[]} */
  list(name) {
    const value = this._values.get(name);
    return Array.isArray(value) ? value : [];
  }

  /** Text of the sensor's time and so many minutes; null if it is not set. @param {number} [minutes] */
  time(minutes = 0) {
    const value = this._values.get("time");
    return typeof value === "object" && "year" in value ? timeText(value, minutes) : null;
  }
}

/** @param {LocalTime} time @param {number} minutes */
function timeText({ year, month, day, hour, minute, second }, minutes) {
  if (year === 0 || month === 0 || day === 0) return null;
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  const same =
    date.getUTCFullYear() === year &&
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    date.getUTCHours() === hour &&
    date.getUTCMinutes() === minute &&
    date.getUTCSeconds() === second;
  if (year < FIRST_YEAR || year > 9999 || !same) throw new BadValue("bad_time");
  date.setUTCMinutes(date.getUTCMinutes() + minutes);
  if (date.getUTCFullYear() > 9999) throw new BadValue("bad_time");
  return date.toISOString().slice(0, 19);
}

/** @param {readonly Field[]} layout @param {DataView} data @returns {Fields} */
function read(layout, data) {
  if (data.byteLength < 1 || data.byteLength > MAX_BYTES) throw new BadValue("bad_length");
  const flags = data.getUint8(0);
  const has = (/** @type {number | undefined} */ bit) => bit !== undefined && ((flags >>> bit) & 1) === 1;
  /** @type {Map<string, number | number[] | Decimal | LocalTime>} */
  const values = new Map();
  let at = 1;
  for (const { name, form, bit, wide } of layout) {
    if (bit !== undefined && !has(bit)) continue;
    const shape = has(wide) ? "u16" : form;
    const left = data.byteLength - at;
    const length = shape === "u16s" ? left : OCTETS[shape];
    if (left < length || (shape === "u16s" && (length === 0 || length % 2 === 1))) throw new BadValue("bad_length");
    values.set(name, part(shape, data, at, length));
    at += length;
  }
  if (at !== data.byteLength) throw new BadValue("bad_length");
  return new Fields(flags, values);
}

/** @param {Form} form @param {DataView} data @param {number} at @param {number} length */
function part(form, data, at, length) {
  switch (form) {
    case "u8":
      return data.getUint8(at);
    case "u16":
      return data.getUint16(at, true);
    case "i16":
      return data.getInt16(at, true);
    case "u24":
      return data.getUint16(at, true) + data.getUint8(at + 2) * 0x10000;
    case "sfloat":
      return sfloat(data.getUint16(at, true));
    case "float":
      return medicalFloat(data.getUint32(at, true));
    case "time": {
      const octet = (/** @type {number} */ n) => data.getUint8(at + n);
      const year = data.getUint16(at, true);
      return { year, month: octet(2), day: octet(3), hour: octet(4), minute: octet(5), second: octet(6) };
    }
    case "u16s":
      return Array.from({ length: length / 2 }, (_, n) => data.getUint16(at + 2 * n, true));
  }
}

// What status bits say

/** @type {Verdict} */
const GOOD = { quality: "good", reason: "" };
/** @type {readonly Quality[]} */
const RANK = ["good", "questionable", "invalid"];

/** @param {Verdict} one @param {Verdict} other @returns {Verdict} */
const worse = (one, other) => (RANK.indexOf(other.quality) > RANK.indexOf(one.quality) ? other : one);

/**
 * @param {Readonly<Record<number, string>>} invalid
 * @param {Readonly<Record<number, string>>} questionable
 * @returns {readonly (readonly [number, Verdict])[]}
 */
function verdicts(invalid, questionable) {
  /** @type {(quality: Quality) => (entry: [string, string]) => [number, Verdict]} */
  const as = (quality) => ([bit, reason]) => [Number(bit), { quality, reason }];
  return [...Object.entries(invalid).map(as("invalid")), ...Object.entries(questionable).map(as("questionable"))];
}

/** @param {number} status @param {readonly (readonly [number, Verdict])[]} bits */
const verdictOf = (status, bits) =>
  bits.reduce((worst, [bit, verdict]) => (((status >>> bit) & 1) === 1 ? worse(worst, verdict) : worst), GOOD);

/** @param {number} status @param {Readonly<Record<number, string>>} names */
const notesOf = (status, names) =>
  Object.entries(names)
    .filter(([bit]) => ((status >>> Number(bit)) & 1) === 1)
    .map(([, name]) => name);

/** @param {number} mdc @param {Decimal} decimal @param {string} unit @param {Verdict} [verdict] @param {number} [power] @returns {Reading} */
function reading(mdc, decimal, unit, verdict = GOOD, power = 0) {
  const { quality, reason } =
    decimal.special === "" ? verdict : worse({ quality: "invalid", reason: decimal.special }, verdict);
  return { mdc, value: quality === "invalid" ? null : valueOf(decimal, power), unit, quality, reason };
}

/** @param {number} mantissa @returns {Decimal} */
const plain = (mantissa) => ({ mantissa, exponent: 0, special: "" });

/** @param {string} characteristic @param {Reading[]} readings @param {Partial<Measurement>} [more] @returns {Measurement} */
const measurement = (characteristic, readings, more = {}) => ({
  characteristic,
  readings,
  local_time: null,
  notes: [],
  demo: false,
  details: {},
  ...more,
});

// Meanings

/** @param {string} characteristic @param {Fields} fields */
function heartRate(characteristic, fields) {
  const [supported, detected] = [fields.has(2), fields.has(1)];
  /** @type {Verdict} */
  const verdict = supported && !detected ? { quality: "invalid", reason: "no_contact" } : GOOD;
  return measurement(characteristic, [reading(147842, plain(fields.whole("rate")), "/min", verdict)], {
    details: {
      ...(supported ? { contact: detected } : {}),
      ...(fields.has(3) ? { energy_kj: fields.whole("energy") } : {}),
      ...(fields.has(4) ? { rr_s: fields.list("intervals").map((n) => n / 1024) } : {}),
    },
  });
}

const OXIMETER_STATUS = verdicts({ 12: "calibration", 13: "unavailable", 15: "invalid" }, { 6: "early", 14: "questionable" });
const OXIMETER_SENSOR = verdicts(
  { 1: "malfunction", 11: "not_connected", 13: "displaced", 14: "sensor_malfunction", 15: "disconnected" },
  {
    0: "extended_display",
    2: "irregular_processing",
    3: "inadequate_signal",
    4: "poor_signal",
    5: "low_perfusion",
    6: "erratic_signal",
    7: "non_pulsatile",
    8: "questionable_pulse",
    9: "early",
    10: "interference",
    12: "unknown_sensor",
  },
);
const OXIMETER_NOTES = { 5: "ongoing", 7: "validated", 8: "fully_qualified", 9: "from_storage", 10: "demo", 11: "test" };

/** @param {readonly (readonly [number, Decimal | null, string])[]} sent @param {Verdict} verdict */
function readings(sent, verdict) {
  /** @type {Reading[]} */
  const found = [];
  for (const [mdc, decimal, unit] of sent) if (decimal) found.push(reading(mdc, decimal, unit, verdict));
  return found;
}

/** @param {string} characteristic @param {Fields} fields */
function oximeter(characteristic, fields) {
  const status = fields.whole("status");
  const verdict = worse(verdictOf(status, OXIMETER_STATUS), verdictOf(fields.whole("sensor"), OXIMETER_SENSOR));
  /** @type {(readonly [number, Decimal | null, string])[]} */
  const sent = [
    [150456, fields.decimal("spo2"), "%"],
    [149530, fields.decimal("pulse"), "/min"],
    [150448, fields.decimal("perfusion"), "%"],
  ];
  const unset = characteristic === "2A5E" && fields.has(4);
  return measurement(characteristic, readings(sent, verdict), {
    local_time: unset ? null : fields.time(),
    notes: [...notesOf(status, OXIMETER_NOTES), ...(unset ? ["clock_not_set"] : [])],
    demo: (status & ((1 << 10) | (1 << 11))) !== 0,
  });
}

const PRESSURE_STATUS = verdicts({}, { 0: "body_movement", 1: "cuff_too_loose", 5: "wrong_position" });
const PRESSURE_NOTES = { 2: "irregular_pulse", 3: "pulse_above_range", 4: "pulse_below_range" };

/** @param {string} characteristic @param {Fields} fields */
function bloodPressure(characteristic, fields) {
  const status = fields.whole("status");
  const unit = fields.has(0) ? "kPa" : "mm[Hg]";
  const notes = notesOf(status, PRESSURE_NOTES);
  const details = fields.has(3) ? { user: fields.whole("user") } : {};
  if (characteristic === "2A36") {
    const cuff = fields.decimal("systolic") ?? plain(0);
    return measurement(characteristic, [], {
      local_time: fields.time(),
      notes: ["intermediate", ...notes],
      details: { ...details, cuff: valueOf(cuff), cuff_unit: unit },
    });
  }
  /** @type {(readonly [number, Decimal | null, string])[]} */
  const sent = [
    [150021, fields.decimal("systolic"), unit],
    [150022, fields.decimal("diastolic"), unit],
    [150023, fields.decimal("mean"), unit],
    [149546, fields.decimal("pulse"), "/min"],
  ];
  const found = readings(sent, verdictOf(status, PRESSURE_STATUS));
  return measurement(characteristic, found, { local_time: fields.time(), notes, details });
}

/** @type {ReadonlyMap<number, readonly [string, number]>} */
const SITES = new Map([
  [1, ["armpit", 188496]],
  [2, ["body", 150364]],
  [3, ["ear", 150392]],
  [4, ["finger", 150388]],
  [5, ["gastrointestinal", 150368]],
  [6, ["mouth", 188424]],
  [7, ["rectum", 188420]],
  [8, ["toe", 150388]],
  [9, ["eardrum", 150392]],
]);

/** @param {string} characteristic @param {Fields} fields */
function temperature(characteristic, fields) {
  const decimal = fields.decimal("temperature") ?? plain(0);
  const [site, mdc] = SITES.get(fields.whole("site")) ?? ["", 150364];
  /** @type {Verdict} */
  const verdict = characteristic === "2A1E" ? { quality: "questionable", reason: "early" } : GOOD;
  return measurement(characteristic, [reading(mdc, decimal, fields.has(0) ? "[degF]" : "Cel", verdict)], {
    local_time: fields.time(),
    details: site === "" ? {} : { site },
  });
}

/** @param {string} characteristic @param {Fields} fields */
function weight(characteristic, fields) {
  const imperial = fields.has(0);
  const raw = fields.whole("weight");
  const unit = imperial ? "[lb_av]" : "kg";
  /** @type {(mdc: number, value: number, unit: string) => Reading} */
  const good = (mdc, value, of) => ({ mdc, value, unit: of, quality: "good", reason: "" });
  /** @type {Reading} */
  const failed = { mdc: 188736, value: null, unit, quality: "invalid", reason: "unsuccessful" };
  const found = [raw === 0xffff ? failed : good(188736, raw / (imperial ? 100 : 200), unit)];
  if (fields.has(3)) {
    found.push(good(188752, fields.whole("bmi") / 10, "kg/m2"));
    found.push(good(188740, fields.whole("height") / 10, imperial ? "[in_i]" : "cm"));
  }
  const details = fields.has(2) ? { user: fields.whole("user") } : {};
  return measurement(characteristic, found, { local_time: fields.time(), details });
}

const GLUCOSE_STATUS = verdicts(
  {
    1: "sensor_malfunction",
    2: "sample_too_small",
    3: "strip_error",
    4: "wrong_strip",
    5: "above_range",
    6: "below_range",
    9: "read_interrupted",
    10: "general_fault",
  },
  { 7: "too_warm", 8: "too_cold" },
);
const GLUCOSE_NOTES = { 0: "battery_low", 11: "time_fault" };
const GLUCOSE_KINDS = new Map([[1, 160184], [2, 160368], [4, 160368], [6, 160368], [8, 160368]]);
const GLUCOSE_PLACES = new Map([[1, "finger"], [2, "alternate"], [3, "earlobe"], [4, "control_solution"]]);

/** @param {string} characteristic @param {Fields} fields */
function glucose(characteristic, fields) {
  const [decimal, kind, status] = [fields.decimal("concentration"), fields.whole("kind"), fields.whole("status")];
  const control = (kind & 0xf) === 10 || kind >>> 4 === 4;
  /** @type {Verdict} */
  const solution = { quality: "invalid", reason: "control_solution" };
  const verdict = control ? worse(solution, verdictOf(status, GLUCOSE_STATUS)) : verdictOf(status, GLUCOSE_STATUS);
  const [unit, power] = fields.has(2) ? ["mmol/L", 3] : ["mg/dL", 5];
  const place = GLUCOSE_PLACES.get(kind >>> 4);
  const mdc = GLUCOSE_KINDS.get(kind & 0xf) ?? 160020;
  return measurement(characteristic, decimal ? [reading(mdc, decimal, unit, verdict, power)] : [], {
    local_time: fields.time(fields.whole("offset")),
    notes: notesOf(status, GLUCOSE_NOTES),
    details: {
      sequence: fields.whole("sequence"),
      ...(fields.has(0) ? { offset_min: fields.whole("offset") } : {}),
      ...(place ? { location: place } : {}),
    },
  });
}

const CGM_STATUS = verdicts({ 0: "session_stopped", 2: "wrong_sensor", 3: "sensor_malfunction", 5: "general_fault" }, {});
const CGM_CALIBRATION = verdicts({}, { 3: "calibration_required", 4: "too_warm", 5: "too_cold" });
const CGM_WARNING = verdicts({ 6: "below_range", 7: "above_range" }, {});
const CGM_NOTES = { 1: "battery_low", 4: "device_alert" };

/** @param {string} characteristic @param {Fields} fields */
function continuousGlucose(characteristic, fields) {
  const status = fields.whole("status");
  const first = worse(verdictOf(status, CGM_STATUS), verdictOf(fields.whole("warning"), CGM_WARNING));
  const verdict = worse(first, verdictOf(fields.whole("calibration"), CGM_CALIBRATION));
  const [trend, quality] = [fields.decimal("trend"), fields.decimal("quality")];
  return measurement(characteristic, readings([[160020, fields.decimal("concentration"), "mg/dL"]], verdict), {
    notes: notesOf(status, CGM_NOTES),
    details: {
      session_min: fields.whole("offset"),
      ...(trend ? { trend_mg_dl_min: valueOf(trend) } : {}),
      ...(quality ? { quality_percent: valueOf(quality) } : {}),
    },
  });
}

/** @typedef {{ layout: readonly Field[], meaning: (characteristic: string, fields: Fields) => Measurement }} Kind */

/** @type {ReadonlyMap<string, Kind>} */
const KINDS = new Map([
  ["2A37", { layout: HEART_RATE, meaning: heartRate }],
  ["2A5F", { layout: OXIMETER_CONTINUOUS, meaning: oximeter }],
  ["2A5E", { layout: OXIMETER_SPOT, meaning: oximeter }],
  ["2A35", { layout: BLOOD_PRESSURE, meaning: bloodPressure }],
  ["2A36", { layout: BLOOD_PRESSURE, meaning: bloodPressure }],
  ["2A1C", { layout: TEMPERATURE, meaning: temperature }],
  ["2A1E", { layout: TEMPERATURE, meaning: temperature }],
  ["2A18", { layout: GLUCOSE, meaning: glucose }],
  ["2AA7", { layout: CGM, meaning: continuousGlucose }],
  ["2A9D", { layout: WEIGHT, meaning: weight }],
]);

/**
 * What the value of a characteristic says.
 *
 * @param {string} characteristic the four digits of its number
 * @param {DataView} data
 * @returns {Measurement[]} one, or one for each record of a CGM value
 * @throws {BadValue} `unknown_characteristic`, `bad_length`, `bad_time`, `bad_check`
 */
export function decode(characteristic, data) {
  const kind = KINDS.get(characteristic);
  if (!kind) throw new BadValue("unknown_characteristic");
  if (data.byteLength > MAX_BYTES) throw new BadValue("bad_length");
  if (characteristic !== "2AA7") return [kind.meaning(characteristic, read(kind.layout, data))];
  // All records are read before any is interpreted, as on the server.
  return records(data).map(record).map((fields) => kind.meaning(characteristic, fields));
}

/** @param {DataView} data @returns {DataView[]} */
function records(data) {
  /** @type {DataView[]} */
  const found = [];
  for (let at = 0; at < data.byteLength; ) {
    const size = data.getUint8(at);
    if (size < 6 || at + size > data.byteLength) throw new BadValue("bad_length");
    found.push(new DataView(data.buffer, data.byteOffset + at, size));
    at += size;
  }
  if (found.length === 0) throw new BadValue("bad_length");
  return found;
}

/** @param {DataView} data @returns {Fields} */
function record(data) {
  const inner = new DataView(data.buffer, data.byteOffset + 1, data.byteLength - 1);
  try {
    return read(CGM, inner);
  } catch {
    const fields = read(CGM_WITH_CHECK, inner);
    if (fields.whole("check") !== checkSum(data)) throw new BadValue("bad_check");
    return fields;
  }
}

/** @param {DataView} data a record; its last two octets are not counted */
function checkSum(data) {
  let crc = 0xffff;
  for (let n = 0; n < data.byteLength - 2; n += 1) {
    crc ^= data.getUint8(n);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x8408 : 0);
  }
  return crc;
}

/** @param {DataView} data @returns {string} two digits an octet */
export function hex(data) {
  return Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), (octet) =>
    octet.toString(16).padStart(2, "0"),
  ).join("");
}
