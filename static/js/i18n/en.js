/** The phrases of the pages in English; the room brings its own. */

import { register } from "../ui/text.js";

register({
  "dialog.no": "No, go back",
  "dialog.close": "Close",

  "form.missing": "Enter: {label}",
  "form.email": "Enter an e-mail address like name@example.org",
  "form.short": "{label} must have at least {count} characters",
  "form.wrong": "Check: {label}",

  "problem.unknown": "Something went wrong on our side. Please try again in a moment.",
  "problem.offline": "There is no connection to the server. Check your network, then try again.",
  "problem.timeout": "The server took too long to answer. Please try again.",
  "problem.unauthenticated": "You are no longer signed in. Please sign in again.",
  "problem.too_many": "That was tried too often. Wait a minute, then try again.",
  "problem.unavailable": "A part of the service does not answer just now. Please try again in a moment.",

  "time.day": "{weekday} {day} {month}",
  "time.instant": "{day}, {time} ({zone})",
  "time.just_now": "just now",
  "time.minutes": "{minutes} min",
  "time.hours": "{hours} h {minutes} min",
});
