/* The table of calls: sorted, searched, a page at a time; a row opens. */

const PAGE_ROWS = 25;

const CALL_COLUMNS = [
  { key: 'start_time', name: 'Start (UTC)' },
  { key: 'agent_name', name: 'Agent', cell: (c) => (known(c.agent_name) ? c.agent_name : unmeasured('no name')) },
  { key: 'caller', name: 'From', cell: (c) => (known(c.caller) ? c.caller : unmeasured('not known')) },
  { key: 'duration_seconds', name: 'Length', number: true, cell: (c) => shown(c.duration_seconds, length) },
  { key: 'end_cause', name: 'End', cell: (c) => (known(c.end_cause) ? words(c.end_cause) : unmeasured('not known')) },
  { key: 'outcome', name: 'Outcome', cell: (c) => (known(c.outcome) ? element('span', { class: `tag ${c.outcome === 'success' ? 'good' : 'bad'}` }, c.outcome) : unmeasured('not set')) },
  { key: 'user_turns', name: 'Turns', number: true, cell: (c) => shown(c.user_turns, whole) },
  { key: 'interruptions', name: 'Cut in', number: true, cell: (c) => shown(c.interruptions, whole) },
  { key: 'tools', name: 'Tools', number: true, cell: (c) => (c.failed_tools ? [`${whole(c.tools)} `, element('span', { class: 'bad' }, `(${c.failed_tools} failed)`)] : shown(c.tools, whole)) },
  { key: 'e2e_p50', name: 'Response', number: true, cell: (c) => shown(c.e2e_p50, seconds) },
  { key: 'cost', name: 'Cost', number: true, cell: (c) => (known(c.cost) ? [money(c.cost, c.currency || ''), c.priced ? '' : element('span', { class: 'muted', title: 'not everything has a known price' }, ' +?')] : unmeasured('no price')) },
  { key: 'record_status', name: 'Record', cell: (c) => [c.record_status === 'final' ? 'final' : element('span', { class: 'tag warn' }, c.record_status), c.why ? element('span', { class: 'tag' }, c.why) : ''] },
];

function callsTable(main, summary, details) {
  const { columns, rows, of, without_words: without } = summary.calls;
  const calls = rows.map((row, i) => ({ ...Object.fromEntries(columns.map((name, n) => [name, row[n]])), i }));
  const state = { sort: 'start_time', down: true, search: '', page: 0, open: new Set() };
  const kept = calls.length < of
    ? `The newest ${whole(calls.filter((c) => !c.why).length)} of ${count(of, 'call')}, and ${whole(calls.filter((c) => c.why).length)} older ones that stand out: slowest, most expensive, failures. The figures above count all.`
    : `All ${count(of, 'call')}.`;
  heading(main, 'calls', 'Calls one by one', calls.length && `${kept}${without ? ` ${count(without, 'transcript')} left out to keep this page small.` : ''} Open one for its timeline.`);
  if (!calls.length) {
    main.append(element('div', { class: 'panel' }, element('p', { class: 'empty' }, 'No calls.')));
    return;
  }
  /* What a search looks at: all that a row shows, and names, notes and signals behind it. */
  const haystack = (call) => {
    call.text ??= JSON.stringify([
      Object.values(call).filter((v) => typeof v === 'string').map(words), STATUS[call.failed_tools ? 1 : 0],
      ...['session_id', 'user_email', 'room_name', 'conversation_state', 'tags', 'notes', 'signals', 'participants', 'withheld'].map((key) => details()[call.i][key]),
    ]).toLowerCase().replaceAll('_', ' ');
    return call.text;
  };
  const STATUS = ['', 'tool failed'];

  const body = element('tbody');
  const heads = CALL_COLUMNS.map((column) => element('th', { scope: 'col', class: column.number ? 'number' : null },
    element('button', { type: 'button', on: { click: () => sortBy(column.key) } }, column.name)));
  const status = element('p', { role: 'status', 'aria-live': 'polite' });
  const sorter = element('select', { on: { change: () => sortBy(sorter.value) } }, CALL_COLUMNS.map((c) => element('option', { value: c.key }, c.name)));
  const search = element('input', { type: 'search', placeholder: 'agent, email, end, signal, id …', on: { input: () => { state.search = search.value; state.page = 0; show(); } } });
  const previous = element('button', { type: 'button', class: 'plain', on: { click: () => { state.page -= 1; show(); } } }, 'Previous');
  const next = element('button', { type: 'button', class: 'plain', on: { click: () => { state.page += 1; show(); } } }, 'Next');
  main.append(
    element('div', { class: 'tools' }, element('label', { class: 'search' }, 'Search', search), element('label', { class: 'sorting' }, 'Sort by', sorter)),
    element('div', { class: 'calls' }, element('table', {},
      element('thead', {}, element('tr', {}, heads)), body)),
    element('div', { class: 'pages' }, status, element('div', {}, previous, next)));

  function sortBy(key) {
    /* Times and numbers begin with the largest. */
    state.down = state.sort === key ? !state.down : typeof calls.find((c) => known(c[key]))?.[key] === 'number' || key === 'start_time';
    state.sort = key;
    state.page = 0;
    show();
  }

  function found() {
    const terms = state.search.toLowerCase().replaceAll('_', ' ').split(/\s+/).filter(Boolean);
    const chosen = terms.length ? calls.filter((call) => terms.every((term) => haystack(call).includes(term))) : [...calls];
    const { sort, down } = state;
    /* What was not measured comes last either way. */
    return chosen.sort((a, b) => {
      const [x, y] = [a[sort], b[sort]];
      if (!known(x) || !known(y)) return Number(!known(x)) - Number(!known(y)) || a.i - b.i;
      const order = typeof x === 'number' ? x - y : String(x).localeCompare(String(y), LOCALE);
      return (down ? -order : order) || a.i - b.i;
    });
  }

  function show() {
    const list = found();
    const pages = Math.max(Math.ceil(list.length / PAGE_ROWS), 1);
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    const from = state.page * PAGE_ROWS;
    body.replaceChildren(...list.slice(from, from + PAGE_ROWS).flatMap(row));
    if (!list.length) body.append(element('tr', {}, element('td', { colspan: CALL_COLUMNS.length, class: 'empty' }, 'No call has all these words.')));
    heads.forEach((head, i) => head.setAttribute('aria-sort', CALL_COLUMNS[i].key === state.sort ? (state.down ? 'descending' : 'ascending') : 'none'));
    sorter.value = state.sort;
    status.textContent = list.length ? `${whole(from + 1)} to ${whole(Math.min(from + PAGE_ROWS, list.length))} of ${count(list.length, 'call')}` : '0 calls';
    previous.disabled = state.page === 0;
    next.disabled = state.page >= pages - 1;
  }

  function row(call) {
    const id = `call-${call.i}`;
    const opener = element('button', { type: 'button', class: 'opener', 'aria-expanded': 'false', 'aria-controls': id }, moment(call.start_time));
    const cells = CALL_COLUMNS.map((column, i) => element('td', { class: column.number ? 'number' : null, 'data-label': i ? column.name : null }, i ? column.cell(call) : opener));
    const line = element('tr', { class: 'call' }, cells);
    const detail = element('tr', { class: 'detail', id, hidden: true }, element('td', { colspan: CALL_COLUMNS.length }));
    const set = (open) => {
      if (open && !detail.firstChild.firstChild) detail.firstChild.append(callDetail(call, details()[call.i]));
      detail.hidden = !open;
      opener.setAttribute('aria-expanded', String(open));
      line.classList.toggle('open', open);
      state.open[open ? 'add' : 'delete'](call.i);
    };
    line.addEventListener('click', () => { if (!String(getSelection())) set(detail.hidden); });
    if (state.open.has(call.i)) set(true);
    return [line, detail];
  }

  show();
}
