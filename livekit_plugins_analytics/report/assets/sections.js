/* The page's sections, from the top to the table. */

function heading(main, id, title, lead) {
  main.append(element('h2', { id }, title), lead ? element('p', { class: 'lead' }, lead) : '');
}

function head(top, { meta, totals }) {
  const period = meta.first
    ? (day(meta.first) === day(meta.last) ? day(meta.first) : `${day(meta.first)} to ${day(meta.last)}`)
    : 'none';
  const title = meta.first ? `Calls, ${period}` : 'No calls';
  document.title = title;
  const asked = [meta.since && `from ${day(meta.since)}`, meta.until && `until ${day(meta.until)}`].filter(Boolean).join(' ');
  const records = meta.records > totals.calls
    ? `, ${count(meta.records - totals.calls, 'record')} superseded by later revisions` : '';
  top.append(
    element('h1', {}, title),
    element('p', { class: 'lead' },
      `${count(totals.calls, 'call')}${totals.agents ? ` of ${count(totals.agents, 'agent')}` : ''}${records}. `
      + `All times are UTC.${asked ? ` Asked for: ${asked}.` : ''} From ${meta.path}.`));
  if (!meta.first) top.append(element('p', { class: 'notice' }, 'There are no records in this period.'));
  problems(top, meta);
}

function problems(top, meta) {
  if (meta.undated) {
    top.append(element('p', { class: 'notice' }, `${count(meta.undated, 'record')} without a start time: not in the figures.`));
  }
  if (!meta.problem_count) return;
  const more = meta.problem_count - meta.problems.length;
  top.append(element('div', { class: 'notice' }, element('details', { open: meta.problem_count < 4 },
    element('summary', {}, meta.left_out
      ? `${count(meta.left_out, 'object or line', 'objects or lines')} could not be read and ${meta.left_out === 1 ? 'is' : 'are'} not in the figures`
      : `${count(meta.problem_count, 'remark')} on what was read`),
    element('ul', {}, meta.problems.map((text) => element('li', {}, text)),
      more > 0 ? element('li', {}, `and ${whole(more)} more`) : null))));
}

function tiles(main, { totals, money: currencies }) {
  const tile = (name, value, note) => element('div', { class: 'tile' }, element('dt', {}, name),
    element('dd', { class: 'value' }, value), element('dd', { class: 'note' }, note || ''));
  const cost = (currencies || []).map((each) => shown(each.total, (v) => money(v, each.currency)));
  const first = (currencies || [])[0];
  main.append(element('dl', { class: 'tiles' },
    tile('Calls', whole(totals.calls), share(totals.final, totals.calls) && `${share(totals.final, totals.calls)} complete to the end`),
    tile('Talked', shown(totals.seconds, hours), known(totals.median_seconds) ? `${length(totals.median_seconds)} a call, median` : ''),
    tile('Cost', cost.length ? cost.flatMap((each, i) => (i ? [element('br'), each] : [each])) : unmeasured('no prices'),
      first ? [known(first.per_minute) && `${money(first.per_minute, first.currency)} a minute`,
        first.incomplete && `${count(first.incomplete, 'call')} not fully priced`].filter(Boolean).join(' · ') : ''),
    tile('Response, median', shown(totals.e2e_p50, seconds), known(totals.e2e_p95) ? `slow turns ${seconds(totals.e2e_p95)}` : ''),
    tile('Successful', totals.outcomes ? share(totals.successes, totals.outcomes) : unmeasured('no outcomes'),
      totals.outcomes ? `of ${count(totals.outcomes, 'call')} with an outcome` : ''),
    tile('Tool failures', totals.tools ? share(totals.failed_tools, totals.tools) : unmeasured('no tool calls'),
      totals.tools ? `${whole(totals.failed_tools)} of ${whole(totals.tools)}` : ''),
    tile('Interruptions', totals.counted ? decimal(totals.interruptions / totals.counted) : unmeasured(),
      'a call, on average')));
}

function callsSection(main, { meta, activity }) {
  heading(main, 'overview', 'Calls');
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  const step = `each ${meta.step}`;
  grid.append(figure(`Calls ${step}`, 'by agent', {
    wide: true, height: 300,
    make: (c) => overTime(meta, activity.agents, c, { kind: 'bars', format: whole }),
    data: () => seriesTable(meta, activity.agents, whole),
  }));
  const bounds = activity.durations.bounds;
  const names = bounds.map((bound, i) => `${length(i ? bounds[i - 1] : 0)} to ${length(bound)}`).concat(`over ${length(bounds.at(-1))}`);
  const short = bounds.map((bound) => `< ${length(bound)}`).concat(`≥ ${length(bounds.at(-1))}`);
  const last = activity.durations.calls.findLastIndex((n) => n > 0) + 1;
  grid.append(figure('Length of calls', 'minutes and seconds', {
    make: (c) => ({
      traces: [{
        type: 'bar', x: short.slice(0, last), y: activity.durations.calls.slice(0, last), marker: { color: c.series[0] },
        customdata: names, hovertemplate: '%{customdata}: %{y:,} calls<extra></extra>',
      }],
      xaxis: { type: 'category' }, yaxis: countAxis(activity.durations.calls),
    }),
    data: () => [[['Length'], ['Calls', true]], names.slice(0, last).map((n, i) => [n, whole(activity.durations.calls[i])])],
  }));
  const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  const hoursOfDay = [...Array(24).keys()];
  grid.append(figure('When calls begin', 'day of the week and hour, UTC', {
    make: (c) => ({
      traces: [{
        type: 'heatmap', z: activity.hours, y: days, x: hoursOfDay, colorscale: c.heat, xgap: 2, ygap: 2, zmin: 0,
        showscale: false, hovertemplate: '%{y} %{x}:00: %{z:,} calls<extra></extra>',
      }],
      xaxis: { dtick: 3, ticksuffix: 'h' }, yaxis: { autorange: 'reversed', ticksuffix: ' ', showgrid: false, dtick: 1, ticks: '' },
    }),
    data: () => [[['Hour'], ...days.map((d) => [d, true])], hoursOfDay.map((h) => [`${h}:00`, ...activity.hours.map((row) => whole(row[h]))])],
  }));
  grid.append(counted('How calls end', 'end_cause of each record', activity.ends, (c) => c.series[0]));
  grid.append(counted('Outcome', 'as the agent said; not set: it said nothing', activity.outcomes, (c) => c.series[2], 'not set'));
  grid.append(counted('Callers', 'how they came', activity.callers, (c) => c.series[5], 'not known'));
}

function seriesTable(meta, series, format, absent) {
  const time = (iso) => (meta.step === 'hour' ? iso.slice(0, 16).replace('T', ' ') : iso.slice(0, 10));
  return [[[`Each ${meta.step}`], ...series.map((s) => [s.name, true])],
    meta.starts.map((start, i) => [time(start), ...series.map((s) => (known(s.values[i]) ? format(s.values[i]) : unmeasured(absent)))])];
}

function counted(title, note, items, colour, nameless, more) {
  const { by = 'calls', empty, small } = more || {};
  const all = items.reduce((sum, item) => sum + item[by], 0);
  const name = (item) => (known(item.name) ? words(item.name) : nameless || 'not known');
  return figure(title, note, {
    height: barsHeight(items.length),
    empty,
    make: items.length ? (c, room) => bars(items.map((item) => ({
      name: name(item), value: item[by],
      text: small ? whole(item[by]) : `${whole(item[by])} (${share(item[by], all)})`,
    })), colour(c), room) : null,
    data: () => [[['Name'], ['Calls', true]], items.map((item) => [name(item), whole(item[by])])],
  });
}

function costSection(main, { meta, money: currencies, unpriced }) {
  heading(main, 'cost', 'Cost', 'Estimated from usage at the rates each record names. Nothing is converted between currencies; what has no price is not in the sums.');
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  if (!currencies.length) grid.append(figure('Cost', null, { wide: true, empty: 'No record has a cost: not measured.' }));
  for (const each of currencies) {
    const format = (value) => money(value, each.currency, each.total);
    const inCurrency = currencies.length > 1 ? ` in ${each.currency}` : '';
    grid.append(figure(`Cost${inCurrency} each ${meta.step}`, `by vendor, ${each.currency}; ${whole(each.known)} of ${count(each.calls, 'call')} with a known cost${each.incomplete ? `, ${whole(each.incomplete)} only in part` : ''}`, {
      wide: true, height: 300,
      make: each.vendors.length ? (c) => overTime(meta, each.vendors, c, { kind: 'bars', format }) : null,
      empty: 'No line has a known price.',
      data: () => seriesTable(meta, each.vendors, format, 'none'),
    }));
    const vendors = each.vendors.map(({ name, values }) => ({ name, value: values.reduce((sum, v) => sum + (v || 0), 0) }))
      .sort((a, b) => b.value - a.value);
    const all = vendors.reduce((sum, v) => sum + v.value, 0);
    grid.append(figure(`By vendor${inCurrency}`, null, {
      height: barsHeight(vendors.length),
      make: vendors.length ? (c, room) => bars(vendors.map((v) => ({ ...v, text: `${format(v.value)} (${share(v.value, all)})` })), c.series[0], room) : null,
      data: () => [[['Vendor'], ['Cost', true]], vendors.map((v) => [v.name, format(v.value)])],
    }));
    grid.append(figure(`By model${inCurrency}`, 'and what it was used for', {
      height: barsHeight(each.models.length),
      make: each.models.length ? (c, room) => bars(each.models.map((m) => ({ name: `${m.model || m.vendor} ${m.kind}`, value: m.amount, text: format(m.amount) })), c.series[4], room) : null,
      data: () => [[['Model'], ['Vendor'], ['Kind'], ['Calls', true], ['Cost', true]],
        each.models.map((m) => [m.model, m.vendor, m.kind, whole(m.calls), format(m.amount)])],
    }));
  }
  if (unpriced.length) {
    grid.append(figure('Without a known price', 'calls by model, unit and reason: not in the sums above', {
      wide: true, height: barsHeight(unpriced.length),
      make: (c, room) => bars(unpriced.map((u) => ({ name: words(u.name), value: u.calls, text: count(u.calls, 'call') })), c.series[6], room),
      data: () => [[['Model, unit, reason'], ['Calls', true]], unpriced.map((u) => [words(u.name), whole(u.calls)])],
    }));
  }
}

const FIGURES = { typical: 'typical: median of the calls’ medians', slow: 'slow turns: median of the calls’ 95th percentiles', slowest: 'slowest calls: 95th percentile of these' };
const SHORT_FIGURES = { typical: 'typical', slow: 'slow turns', slowest: 'slowest calls' };

function speedSection(main, { meta, speed }) {
  heading(main, 'latency', 'Latency', 'A record keeps percentiles of its turns, so these are percentiles over calls. Typical: the median of the calls’ medians. Slow turns: the median of the calls’ 95th percentiles. Slowest calls: the 95th percentile of these.');
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  const measured = Object.keys(STAGES).filter((stage) => speed[stage] && speed[stage].calls);
  if (!measured.length) {
    grid.append(figure('Latency', null, { wide: true, empty: 'No stage was measured.' }));
    return;
  }
  let stage = measured[0];
  const series = () => Object.entries(speed[stage].over_time).map(([name, values]) => ({ name: SHORT_FIGURES[name], values }));
  grid.append(figure('Latency by stage over time', 'seconds', {
    wide: true, height: 320,
    choices: { label: 'Stage', values: measured.map((name) => [name, STAGES[name]]), change: (name) => { stage = name; } },
    make: (c) => overTime(meta, series(), c, {
      kind: 'lines', format: seconds, colour: (i) => [c.series[2], c.series[1], c.series[3]][i],
      yaxis: { ticksuffix: ' s' }, uirevision: stage,
    }),
    data: () => seriesTable(meta, series(), seconds),
  }));
  grid.append(figure('Typical latency of each stage', 'over time, seconds', {
    wide: true, height: 320,
    make: (c) => overTime(meta, measured.map((name) => ({ name: STAGES[name], values: speed[name].over_time.typical })), c, {
      kind: 'lines', format: seconds, yaxis: { ticksuffix: ' s' } }),
    data: () => seriesTable(meta, measured.map((name) => ({ name: STAGES[name], values: speed[name].over_time.typical })), seconds),
  }));
  grid.append(element('div', { class: 'panel wide' }, element('h3', {}, 'Latency in all'), element('div', { class: 'scroll' },
    table([['Stage'], ['Typical', true], ['Slow turns', true], ['Slowest calls', true], ['Measured in', true, true]],
      Object.keys(STAGES).map((name) => [
        element('span', { title: STAGE_NOTES[name] }, STAGES[name]),
        shown(speed[name].typical, seconds), shown(speed[name].slow, seconds), shown(speed[name].slowest, seconds),
        speed[name].calls ? `${count(speed[name].calls, 'call')}, ${whole(speed[name].turns)} ${name === 'tool' ? 'uses' : 'turns'}` : unmeasured(),
      ])))));
}

function talkSection(main, { meta, talk, totals }) {
  heading(main, 'talk', 'Conversation');
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  const series = [{ name: 'interruptions', values: talk.over_time.interruptions }, { name: 'false interruptions', values: talk.over_time.false_interruptions }];
  grid.append(figure('Interruptions a call', 'the caller cut the agent off; false: a noise paused it', {
    make: talk.histogram.length ? (c) => overTime(meta, series, c, { kind: 'lines', format: decimal }) : null,
    empty: 'Not measured.',
    data: () => seriesTable(meta, series, decimal),
  }));
  const name = (n) => (n >= 6 ? '6 and more' : n === 0 ? 'none' : String(n));
  grid.append(figure('Calls by interruptions', 'how often the caller cut in', {
    make: talk.histogram.length ? (c) => ({
      traces: [{ type: 'bar', x: talk.histogram.map((h) => name(h.many)), y: talk.histogram.map((h) => h.calls), marker: { color: c.series[0] },
        hovertemplate: '%{x}: %{y:,} calls<extra></extra>' }],
      xaxis: { type: 'category' }, yaxis: countAxis(talk.histogram.map((h) => h.calls)),
    }) : null,
    empty: 'Not measured.',
    data: () => [[['Interruptions'], ['Calls', true]], talk.histogram.map((h) => [name(h.many), whole(h.calls)])],
  }));
  const sides = [['caller', talk.shares.user], ['agent', talk.shares.agent], ['silence', talk.shares.silence]];
  const all = sides.reduce((sum, [, value]) => sum + (value || 0), 0);
  grid.append(figure('Who talks', `share of the time, from the first word on; ${whole(talk.shares.calls)} of ${count(totals.calls, 'call')} with voice measured`, {
    wide: true, height: 150,
    make: all ? (c) => ({
      traces: sides.map(([side, value], i) => ({
        type: 'bar', orientation: 'h', name: side, y: [0], x: [value / all], text: `${side} ${share(value, all)}`, textposition: 'inside', insidetextanchor: 'middle',
        textangle: 0, marker: { color: [c.series[1], c.series[0], c.series[7]][i] }, hovertemplate: `${side}: ${hours(value)}<extra></extra>` })),
      barmode: 'stack', showlegend: true, xaxis: { visible: false, range: [0, 1] }, yaxis: { visible: false },
    }) : null,
    empty: 'Not measured.',
    data: () => [[['Side'], ['Time', true], ['Share', true]], sides.map(([side, value]) => [side, shown(value, hours), share(value || 0, all)])],
  }));
}

function signalsSection(main, { discoveries }) {
  heading(main, 'signals', 'Signals', 'What callers said of themselves. A signal counts in the calls in which it was heard.');
  const { funnel, signals } = discoveries;
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  const steps = [['calls listened to', funnel.listened], ['anything heard', funnel.heard]];
  if (funnel.tiered) steps.push(['tier known', funnel.tiered], ['qualified', funnel.qualified], ['and successful', funnel.succeeded]);
  grid.append(figure('Funnel', 'each step is part of the one above', {
    height: 60 * steps.length + 30,
    make: funnel.listened ? (c) => ({
      traces: [{
        type: 'funnel', y: steps.map(([name]) => name), x: steps.map(([, n]) => n), marker: { color: c.series[0] }, connector: { line: { width: 0 }, fillcolor: c.line },
        text: steps.map(([, n]) => `${whole(n)} · ${share(n, funnel.listened)}`), textinfo: 'text', textposition: 'auto', insidetextfont: { color: c.panel }, outsidetextfont: { color: c.text },
        hovertemplate: '%{y}: %{text}<extra></extra>' }],
      yaxis: { ticksuffix: ' ', showgrid: false }, xaxis: { visible: false },
    }) : null,
    empty: 'No call was listened to for signals.',
    data: () => [[['Step'], ['Calls', true], ['Share', true]], steps.map(([name, n]) => [name, whole(n), share(n, funnel.listened) || '-'])],
  }));
  grid.append(figure('Signals heard', 'calls in which each was', {
    height: barsHeight(signals.length),
    make: signals.length ? (c, room) => bars(signals.map((s) => ({ name: words(s.name), value: s.calls, text: `${whole(s.calls)} (${share(s.calls, funnel.listened)})` })), c.series[2], room) : null,
    empty: 'None was heard.',
    data: () => [[['Signal'], ['Calls', true]], signals.map((s) => [words(s.name), whole(s.calls)])],
  }));
  const small = element('div', { class: 'columns narrow' });
  main.append(small);
  signals.forEach((signal, i) => small.append(counted(words(signal.name), `calls by value, of ${whole(signal.calls)}`, signal.values, (c) => c.series[i % 7], null, { small: true })));
}

function toolsSection(main, { tools }) {
  heading(main, 'tools', 'Tools');
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  if (!tools.length) {
    grid.append(figure('Tools', null, { wide: true, empty: 'No tool was called.' }));
    return;
  }
  const places = tools.map((_, i) => i);
  const ticks = (room) => ({ tickvals: places, ticktext: tools.map((t) => literal(clip(t.name, room / 18))), range: [tools.length - 0.5, -0.5], rangemode: 'normal', ticksuffix: ' ', showgrid: false });
  const part = (c, key, name, colour) => ({
    type: 'bar', orientation: 'h', name, y: places, x: tools.map((t) => t[key]), marker: { color: colour },
    customdata: tools.map((t) => `${literal(t.name)}: ${whole(t[key])} ${name}`), hovertemplate: '%{customdata}<extra></extra>' });
  grid.append(figure('Tool calls', 'and what they ended in', {
    height: barsHeight(tools.length) + 40,
    make: (c, room) => ({
      traces: [part(c, 'done', 'done', c.series[2]), part(c, 'failed', 'failed', c.series[3]), part(c, 'cancelled', 'cancelled', c.series[7])],
      barmode: 'stack', yaxis: ticks(room), xaxis: { showgrid: true, nticks: 5, tickformat: ',' }, showlegend: true }),
  }));
  const timed = (key, name, colour, symbol) => ({
    type: 'scatter', mode: 'markers', name, y: places, x: tools.map((t) => t[key]), marker: { color: colour, size: 11, symbol },
    customdata: tools.map((t) => `${literal(t.name)}: ${known(t[key]) ? seconds(t[key]) : UNMEASURED}`), hovertemplate: `%{customdata} (${name})<extra></extra>` });
  grid.append(figure('How long tools take', 'seconds, logarithmic', {
    height: barsHeight(tools.length) + 40,
    make: tools.some((t) => known(t.p50)) ? (c, room) => ({
      traces: [timed('p50', 'median', c.series[0], 'circle'), timed('p95', '95th percentile', c.series[1], 'diamond')],
      yaxis: ticks(room), xaxis: { type: 'log', showgrid: true, ticksuffix: ' s', nticks: 6 }, showlegend: true }) : null,
    empty: 'Not measured.',
  }));
  grid.append(element('div', { class: 'panel wide' }, element('h3', {}, 'Tools in numbers'), element('div', { class: 'scroll' },
    table([['Tool'], ['Calls', true], ['Failed', true], ['Cancelled', true, true], ['Median', true], ['95th percentile', true, true], ['Longest', true, true]],
      tools.map((t) => [t.name, whole(t.calls), `${whole(t.failed)} (${share(t.failed, t.calls)})`, whole(t.cancelled),
        shown(t.p50, seconds), shown(t.p95, seconds), shown(t.longest, seconds)])))));
}

function qualitySection(main, { completeness, totals }) {
  heading(main, 'quality', 'Completeness and losses', 'What the records say of themselves: what they do not know, what was lost, and what was kept back.');
  const { sums, statuses } = completeness;
  const none = (n) => (n ? element('span', { class: 'bad' }, whole(n)) : 'none');
  const facts = [
    ['Records lost before these', none(sums.lost_records), 'as the next record of the same machine told'],
    ['Events dropped', none(sums.dropped_events), 'in calls with too many'],
    ['Faults of the recorder', none(sums.handler_errors), 'the call went on'],
    ['Values refused', none(sums.invalid_values), 'what the agent gave was not of the right type'],
    ['Calls that never closed', sums.never_closed ? whole(sums.never_closed) : 'none', 'recovered or partial'],
    ['With transcript', `${whole(sums.transcripts)} of ${whole(totals.calls)}`, ''],
    ['Withheld in part', sums.withheld ? count(sums.withheld, 'call') : 'none', 'words kept back for privacy'],
    ['Redacted', sums.redacted ? count(sums.redacted, 'call') : 'none', 'entities masked'],
  ];
  const grid = element('div', { class: 'columns' });
  main.append(grid);
  grid.append(element('div', { class: 'panel' }, element('h3', {}, 'Losses and privacy'),
    table([['What'], ['How many', true]], facts.map(([name, value, note]) => [
      element('span', {}, name, note ? element('span', { class: 'muted' }, ` (${note})`) : ''), value]))));
  grid.append(counted('Record status', 'final: the whole call; recovered: its process was killed; partial: no close was seen', statuses, (c) => c.series[0]));
  grid.append(counted('Not measured', 'calls by what completeness.missing names', completeness.missing.map((m) => ({ ...m, name: m.name.replace(/^metrics_summary\.(total_)?/, '') })), (c) => c.series[7], null, { small: true, empty: 'Everything was measured.' }));
  grid.append(counted('Errors that the framework reported', 'calls by component and type, recovered from or not', completeness.error, (c) => c.series[3], null, { small: true, empty: 'No errors.' }));
  if (completeness.truncated.length) grid.append(counted('Cut for length', 'values by field', completeness.truncated, (c) => c.series[6], null, { by: 'many', small: true }));
  if (completeness.withheld.length) grid.append(counted('Withheld', 'calls by field', completeness.withheld, (c) => c.series[4], null, { small: true }));
  if (completeness.redacted.length) grid.append(counted('Masked', 'entities by type', completeness.redacted, (c) => c.series[4], null, { by: 'many', small: true }));
}
