/* What opens below a call: its timeline, and what is known of it. */

function callDetail(call, detail) {
  const facts = (entries) => element('dl', { class: 'facts' }, entries
    .filter(([, value]) => known(value) && value !== '')
    .flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
  const left = element('div', {}, element('h4', {}, 'Timeline'), wordsNote(detail), timelineList(detail.timeline));
  const right = element('div', {},
    element('h4', {}, 'Call'),
    facts([
      ['Session', detail.session_id],
      ['Revision', String(detail.revision || 1)],
      ['Room', detail.room_name],
      ['Callers', detail.participants.map((p) => [p.name, p.identity, p.sip && p.sip.phone_number].filter((t, i, a) => t && a.indexOf(t) === i).join(', ')).join('; ')],
      ['Email', detail.user_email],
      ['Environment', detail.environment],
      ['Ended', [words(call.end_cause || 'unknown'), detail.close_reason && `close reason ${words(detail.close_reason)}`, detail.shutdown_reason].filter(Boolean).join(', ')],
      ['State', detail.conversation_state],
      ['Consent', known(detail.consent_obtained) ? `${detail.consent_obtained ? 'given' : 'refused'}${detail.consent_method ? `, ${detail.consent_method}` : ''}` : unmeasured('never asked')],
      ['Outcome', known(call.outcome) ? [call.outcome, detail.outcome_reason].filter(Boolean).join(': ') : unmeasured('not set')],
      ['Tags', detail.tags.join(', ')],
      ['Notes', detail.notes.length ? element('span', {}, detail.notes.flatMap((note, i) => (i ? [element('br'), note] : [note]))) : null],
      ['Versions', `plugin ${detail.plugin_version}, livekit-agents ${detail.sdk_version}`],
    ]));
  const signals = Object.entries(detail.signals);
  if (signals.length) right.append(element('h4', {}, 'Signals'), facts(signals.map(([name, value]) => [words(name), words([value].flat().map((v) => (typeof v === 'object' ? JSON.stringify(v) : v)).join(', '))])));
  const stages = Object.entries(detail.latency);
  right.append(element('h4', {}, 'Latency'), stages.length
    ? table([['Stage'], ['Median', true], ['95th', true], ['Turns', true]], stages.map(([stage, [p50, p95, n]]) => [STAGES[stage] || stage, shown(p50, seconds), shown(p95, seconds), whole(n)]))
    : unmeasured());
  right.append(element('h4', {}, 'Cost'), detail.costs.length
    ? table([['Model'], ['Unit'], ['Quantity', true], ['Amount', true]], detail.costs.map(([model, unit, quantity, amount]) => [model, words(unit), decimal(quantity), known(amount) ? money(Number(amount), call.currency || '') : unmeasured('no price')]))
    : unmeasured());
  right.append(element('h4', {}, 'Metrics'), facts(Object.entries(detail.metrics).map(([name, value]) => [words(name.replace(/^total_/, '')), shown(value, decimal)])));
  if (detail.withheld.length || detail.redacted) {
    right.append(element('h4', {}, 'Privacy'), facts([
      ['Withheld', detail.withheld.join(', ')],
      ['Masked', detail.redacted ? Object.entries(detail.redacted).map(([name, n]) => `${n} ${name}`).join(', ') || 'yes' : null]]));
  }
  if (detail.missing.length) right.append(element('h4', {}, 'Not measured'), element('p', { class: 'muted' }, detail.missing.join(', ')));
  return element('div', { class: 'call-detail' }, left, right);
}

function wordsNote(detail) {
  if (detail.words === 'shown') return '';
  const text = detail.withheld.includes('transcript') ? 'The transcript was withheld for privacy.'
    : detail.words === 'left out' ? 'The record has a transcript; it was left out here to keep this page small.'
      : 'The record has no transcript.';
  return element('p', { class: 'muted' }, text);
}

function timelineList(events) {
  if (!events.length) return unmeasured('Nothing is known of its course.');
  return element('ol', { class: 'timeline' }, events.map((event) => element('li', { class: `${event.kind}${event.status === 'error' ? ' failed' : ''}` },
    element('time', {}, known(event.at) ? length(Math.max(event.at, 0)) : ''),
    element('div', { class: 'what' }, happened(event)))));
}

function happened({ kind, who, text, status, seconds: took, cut, latency }) {
  const name = (value) => element('span', { class: 'who' }, value);
  const aside = (...values) => element('span', { class: 'aside' }, values.filter(Boolean).map((v) => ` ${v}`).join(' ·'));
  switch (kind) {
    case 'user': return [name('Caller'), text];
    case 'agent': return [name(who || 'Agent'), text, aside(cut && 'cut off by the caller', known(latency) && `after ${seconds(latency)}`)];
    case 'tool': return [name(who || 'tool'), element('code', {}, text),
      aside(status === 'done' ? null : words(status || ''), known(took) ? seconds(took) : UNMEASURED)];
    case 'state': return [aside('state'), ` ${text}`];
    case 'handoff': return [aside('handed over'), ` ${text}`];
    case 'consent': return [aside('consent'), ` ${text}`];
    case 'joined': return [name(who || 'Somebody'), aside('joined')];
    case 'left': return [name(who || 'Somebody'), aside('left', text && words(text.toLowerCase()))];
    case 'error': return [element('span', { class: 'bad' }, `${who} error: `), text];
    default: return [aside(text)];
  }
}
