/* Elements. What comes from a record becomes text, never markup. */

function element(tag, properties, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'on') for (const [event, act] of Object.entries(value)) node.addEventListener(event, act);
    else if (name === 'class') node.className = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

let lastId = 0;
const newId = (name) => `${name}-${++lastId}`;

function table(columns, rows) {
  /* columns: [name, is a number, is left out where the page is narrow]; rows: texts or nodes. */
  const style = ([, number, secondary]) => [number && 'number', secondary && 'secondary'].filter(Boolean).join(' ') || null;
  const head = columns.map((column) => element('th', { scope: 'col', class: style(column) }, column[0]));
  const body = rows.map((row) => element('tr', {}, row.map((cell, i) => element('td', { class: style(columns[i]) }, cell))));
  return element('table', {}, element('thead', {}, element('tr', {}, head)), element('tbody', {}, body));
}
