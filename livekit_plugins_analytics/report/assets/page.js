/* Put the page together. */

const read = (id) => JSON.parse(document.getElementById(id).textContent);
const summary = read('summary');
let opened = null;
const details = () => (opened ??= read('details'));

const main = document.getElementById('main');
head(document.getElementById('top'), summary);
if (summary.meta.first) {
  tiles(main, summary);
  callsSection(main, summary);
  costSection(main, summary);
  speedSection(main, summary);
  talkSection(main, summary);
  signalsSection(main, summary);
  toolsSection(main, summary);
  qualitySection(main, summary);
}
callsTable(main, summary, details);
document.getElementById('contents').append(element('ul', {}, [...main.querySelectorAll('h2')].map((h) =>
  element('li', {}, element('a', { href: `#${h.id}` }, h.textContent)))));
document.getElementById('foot').append(
  `Made ${summary.meta.made.slice(0, 16).replace('T', ' ')} UTC by livekit-plugins-analytics. This file loads nothing from anywhere. Charts: plotly.js, MIT licence.`);

keepDrawn();
