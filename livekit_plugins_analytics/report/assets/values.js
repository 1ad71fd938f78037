/* Values as people read them. What is null was not measured, and says so. */

const LOCALE = 'en-US';
const UNMEASURED = 'not measured';

const unmeasured = (text) => element('span', { class: 'unmeasured' }, text || UNMEASURED);
const known = (value) => value !== null && value !== undefined;
const shown = (value, format) => (known(value) ? format(value) : unmeasured());

const plain = (options) => {
  const format = new Intl.NumberFormat(LOCALE, options);
  return (value) => format.format(value);
};
const whole = plain({ maximumFractionDigits: 0 });
const decimal = plain({ maximumFractionDigits: 2 });
const share = (part, all) => (all ? plain({ style: 'percent', maximumFractionDigits: part / all < 0.1 ? 1 : 0 })(part / all) : null);

function seconds(value) {
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  return `${plain({ minimumFractionDigits: value < 10 ? 2 : 1, maximumFractionDigits: value < 10 ? 2 : 1 })(value)} s`;
}

function length(value) {
  /* 0:07, 12:03, 1:02:03 */
  const all = Math.round(value);
  const two = (n) => String(n).padStart(2, '0');
  const hours = Math.floor(all / 3600);
  const minutes = Math.floor(all / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(all % 60)}` : `${minutes}:${two(all % 60)}`;
}

function hours(value) {
  if (value < 3600) return length(value);
  return `${value < 360000 ? plain({ maximumFractionDigits: 1 })(value / 3600) : whole(value / 3600)} h`;
}

function money(value, currency, scale = value) {
  /* Small sums keep the digits that matter: a call costs cents. In a list all have the same. */
  const digits = Math.abs(scale) >= 1 || scale === 0 ? 2 : 4;
  const least = 10 ** -digits;
  currency = clip(currency, 14);
  if (value > 0 && value < least) return `< ${least} ${currency}`;
  return `${plain({ minimumFractionDigits: digits, maximumFractionDigits: digits })(value)} ${currency}`;
}

const words = (name) => String(name).replaceAll('_', ' ');

const STAGES = {
  e2e: 'Response',
  end_of_turn_delay: 'End of turn',
  transcription_delay: 'Transcription',
  llm_ttft: 'Model',
  tts_ttfb: 'Voice',
  tool: 'Tools',
};
const STAGE_NOTES = {
  e2e: "end of the caller's speech to the start of the agent's",
  end_of_turn_delay: "end of the caller's speech to the decision that the turn is over",
  transcription_delay: "end of the caller's speech to its transcript",
  llm_ttft: 'request to first token',
  tts_ttfb: 'first text to first audio',
  tool: 'a whole tool call',
};

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function day(iso) {
  return `${Number(iso.slice(8, 10))} ${MONTHS[Number(iso.slice(5, 7)) - 1]} ${iso.slice(0, 4)}`;
}

function moment(iso) {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}`;
}

const count = (n, one, many) => `${whole(n)} ${n === 1 ? one : many || `${one}s`}`;
