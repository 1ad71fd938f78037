/* Charts: Plotly's, in the page's own colours, drawn again when these change. */

const charts = [];

function theme() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    text: value('text'), muted: value('muted'), line: value('line'), panel: value('panel'),
    bad: value('bad'), warn: value('warn'), good: value('good'),
    heat: [[0, value('heat-0')], [1, value('heat-1')]],
    series: [1, 2, 3, 4, 5, 6, 7, 8].map((n) => value(`series-${n}`)),
  };
}

function layout(colours, own) {
  const axis = (more) => ({
    fixedrange: true, automargin: true, zeroline: false, gridcolor: colours.line,
    linecolor: colours.line, tickfont: { color: colours.muted }, ...more,
  });
  const { xaxis, yaxis, legend, ...more } = own;
  return {
    paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: 'inherit', size: 12, color: colours.text },
    margin: { l: 8, r: 8, t: 12, b: 8 },
    hoverlabel: { bgcolor: colours.panel, bordercolor: colours.line, font: { color: colours.text } },
    legend: { orientation: 'h', x: 0, xanchor: 'left', y: -0.12, yanchor: 'top', traceorder: 'normal', font: { color: colours.text }, ...legend },
    dragmode: false, hovermode: 'closest', bargap: 0.25, separators: '.,',
    xaxis: axis({ showgrid: false, ...xaxis }), yaxis: axis({ rangemode: 'tozero', tickformat: ',', nticks: 6, ...yaxis }),
    ...more,
  };
}

function draw(chart) {
  const room = chart.node.clientWidth;
  const { traces, ...own } = chart.make(theme(), room);
  return Plotly.react(chart.node, traces, layout(theme(), { height: chart.height, width: room, ...own }), {
    displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false,
  });
}

const media = { dark: matchMedia('(prefers-color-scheme: dark)'), print: matchMedia('print') };
let round = 0;

/* One after the other, so that the page can be read meanwhile. What is drawn stands in data-drawn:
   how many, for which width and colours. */
async function drawAll() {
  const mine = ++round;
  const root = document.documentElement;
  root.removeAttribute('data-drawn');
  const width = root.clientWidth;
  const colours = media.print.matches ? 'print' : media.dark.matches ? 'dark' : 'light';
  for (const chart of charts) {
    const drawn = draw(chart);
    if (colours === 'print') continue; // paper does not wait
    await drawn;
    await new Promise((done) => setTimeout(done, 0));
    if (mine !== round) return;
  }
  root.setAttribute('data-drawn', `${charts.length} ${width} ${colours}`);
}

function keepDrawn() {
  let width = document.documentElement.clientWidth;
  let waiting;
  for (const query of Object.values(media)) query.addEventListener('change', drawAll);
  addEventListener('resize', () => {
    if (document.documentElement.clientWidth === width) return;
    width = document.documentElement.clientWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 150);
  });
  drawAll();
}

function figure(title, note, options) {
  /* options: make(colours, pixels across) => {traces, ...layout} or null where there is nothing; data() => table's
     [columns, rows]; height; wide; choices: {label, values: [[value, name]], change(value)}. */
  const heading = newId('figure');
  const caption = element('figcaption', {},
    element('h3', { id: heading }, title), note ? element('p', {}, note) : null);
  const box = element('figure', { class: options.wide ? 'wide' : null, role: 'group', 'aria-labelledby': heading }, caption);
  if (!options.make) {
    box.append(element('p', { class: 'empty' }, options.empty || 'Nothing to show.'));
    return box;
  }
  const node = element('div', { class: 'chart', role: 'img', 'aria-label': `Chart: ${title}` });
  const chart = { node, make: options.make, height: options.height || 290 };
  node.style.height = `${chart.height}px`;
  charts.push(chart);
  let refresh = () => {};
  if (options.choices && options.choices.values.length > 1) {
    box.append(choices(options.choices, () => { draw(chart); refresh(); }));
  }
  box.append(node);
  if (options.data) {
    const scroll = element('div', { class: 'scroll', tabindex: '0' });
    const more = element('details', {}, element('summary', {}, 'As a table'), scroll);
    refresh = () => { if (more.open) scroll.replaceChildren(table(...options.data())); };
    more.addEventListener('toggle', refresh);
    box.append(more);
  }
  return box;
}

function choices({ label, values, change }, then) {
  const group = newId('choice');
  const radios = values.map(([value, name], i) => element('label', {}, element('input', {
    type: 'radio', name: group, value, checked: i === 0,
    on: { change: () => { change(value); then(); } },
  }), name));
  return element('fieldset', { class: 'choices' }, element('legend', {}, label), radios);
}

/* Plotly reads a few tags and links in its texts: a record's words must stay words. */
const literal = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const clip = (text, most) => (text.length > most ? `${text.slice(0, Math.max(Math.floor(most), 14) - 1)}…` : text);

/* A bar for each, the first at the top. items: [{name, value, text}]; room: pixels across. */
function bars(items, colour, room) {
  const LETTER = 7;
  const places = items.map((_, i) => i);
  const largest = Math.max(...items.map((item) => item.value), 0);
  const names = items.map((item) => clip(item.name, Math.max(14, room / 18)));
  const longest = (texts) => Math.max(...texts.map((text) => text.length)) * LETTER + 10;
  /* The longest bar ends where its text still has its place. */
  const plot = Math.max(room - longest(names), 100);
  const part = Math.max(1 - longest(items.map((item) => item.text)) / plot, 0.25);
  return {
    traces: [{
      type: 'bar', orientation: 'h', y: places, x: items.map((item) => item.value),
      text: items.map((item) => literal(item.text)), textposition: 'outside', cliponaxis: false,
      customdata: items.map((item) => literal(item.name)), marker: { color: colour },
      hovertemplate: '%{customdata}: %{text}<extra></extra>',
    }],
    xaxis: { visible: false, range: [0, largest / part || 1] },
    yaxis: {
      type: 'linear', range: [items.length - 0.5, -0.5], rangemode: 'normal', showgrid: false,
      tickvals: places, ticktext: names.map(literal), ticksuffix: ' ',
    },
  };
}
const barsHeight = (n) => 30 * n + 36;

/* Values over the page's time axis. series: [{name, values}]. */
function overTime(meta, series, colours, { kind, format, colour, ...more }) {
  const STEPS = { hour: 3600e3, day: 86400e3, week: 7 * 86400e3, month: null };
  const few = meta.starts.length < 3 && STEPS[meta.step];
  const traces = series.map(({ name, values }, i) => ({
    name: literal(clip(name, 30)), x: meta.starts, y: values,
    customdata: values.map((value) => (known(value) ? format(value) : UNMEASURED)),
    hovertemplate: '%{customdata}<extra>%{fullData.name}</extra>',
    ...(kind === 'bars'
      ? { type: 'bar', marker: { color: colours.series[i] }, ...(few ? { width: 0.75 * few } : {}) }
      : {
        type: 'scatter', mode: meta.starts.length > 60 ? 'lines' : 'lines+markers', connectgaps: false,
        line: { color: colour ? colour(i) : colours.series[i], width: 2 }, marker: { size: 5 },
      }),
  }));
  const sums = meta.starts.map((_, i) => series.reduce((sum, { values }) => sum + (values[i] || 0), 0));
  return {
    traces,
    ...(format === whole ? { yaxis: countAxis(sums) } : {}),
    barmode: 'stack', hovermode: 'x unified', showlegend: series.length > 1,
    xaxis: {
      type: 'date', hoverformat: meta.step === 'hour' ? '%d %b %Y %H:%M' : '%a %d %b %Y',
      nticks: 8, tickformat: meta.step === 'hour' ? '%H:%M\n%d %b' : '%d %b\n%Y',
      ...(few ? { dtick: few, range: around(meta.starts, few) } : {}),
    },
    ...more,
  };
}

/* Calls come in ones. */
const countAxis = (counts) => (Math.max(...counts, 0) <= 5 ? { dtick: 1 } : {});

/* A single bar is as wide as its step, not as the page. */
function around(starts, step) {
  const middle = Date.parse(`${starts[0]}Z`);
  const text = (time) => new Date(time).toISOString().slice(0, 19);
  return [text(middle - 3.5 * step), text(middle + 3.5 * step)];
}
