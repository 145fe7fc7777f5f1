/** The phrases of waveforms, monitor, replay and ward in English. */

import { register } from "../ui/text.js";

register({
  "vitals.size": "{speed} mm/s, {mm} mm/mV nominal",
  "vitals.received_late": "received late",

  "vitals.strip.title": "Frozen at {time}",
  "vitals.strip.seconds": "{count} s",
  "vitals.strip.all": "All leads",
  "vitals.strip.mark.0": "First mark",
  "vitals.strip.mark.1": "Second mark",
  "vitals.strip.at": "{ms} ms from the left",
  "vitals.strip.result": "Δt {ms} ms · {rate}/min · Δ {change}",

  "vitals.gain.auto": "by itself",
  "vitals.gain.0.5": "× ½",
  "vitals.gain.1": "× 1",
  "vitals.gain.2": "× 2",
  "vitals.gain.4": "× 4",

  "vitals.picture.behind": "Picture {seconds} s behind",
  "vitals.picture.unknown": "How far the picture is behind is not known",
  "vitals.picture.aligned": "Readings drawn as of {seconds} s ago, with the picture",

  "vitals.trend.now": "{label}, {unit}: now {now}, from {low} to {high}",
  "vitals.trend.none": "{label}: nothing in these minutes",
  "vitals.trend.range": "{low}–{high}",
  "vitals.trend.loading": "The last minutes are coming…",
  "vitals.trend.failed": "The minutes before this page was opened can't be had now.",

  "vitals.replay.at": "{time}, {ago} ago",
  "vitals.replay.play": "Play",
  "vitals.replay.pause": "Pause",
  "vitals.replay.speed": "{speed}×",
  "vitals.replay.nothing": "Nothing is recorded yet.",

  "vitals.demo": "DEMO",

  "ward.enter": "Enter the visit of {name}",
  "ward.score": "NEWS2 {score}",
  "ward.score.incomplete": "NEWS2 ≥ {score}",
  "ward.score.none": "No score yet",
  "ward.line.interrupted": "Interrupted",
  "ward.line.opening": "Connecting…",
  "ward.line.stopped": "Stopped",
  "ward.newest": "Newest reading {age}",
  "ward.silent": "No reading yet",
  "ward.count": { one: "{count} patient is measured", other: "{count} patients are measured" },
});
