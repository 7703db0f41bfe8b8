/** What the page does by itself: filter, sort, light or dark. Plain JavaScript; its digest stands in the page's policy. */
export const SCRIPT = `
'use strict';
(() => {
  const root = document.documentElement;
  root.classList.add('js');

  const theme = document.getElementById('theme');
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const tellTheme = () => theme.setAttribute('aria-pressed', String(dark()));
  theme.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    tellTheme();
  });
  tellTheme();

  // What is folded away would be missing on paper.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll('details:not([open])')];
    for (const one of opened) one.open = true;
  });
  addEventListener('afterprint', () => {
    for (const one of opened) one.open = false;
  });

  const list = document.getElementById('list');
  if (!list) return;
  const body = list.tBodies[0];
  const rows = [...body.rows];
  const form = document.getElementById('filters');
  const find = document.getElementById('find');
  const boxes = [...form.elements.kind.length ? form.elements.kind : [form.elements.kind]];
  const shown = document.getElementById('shown');
  const none = document.getElementById('none');
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const count = (n) => n.toLocaleString('en-US');

  function filter() {
    const words = find.value.toLowerCase().split(/\\s+/).filter(Boolean);
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let left = 0;
    rows.forEach((row, index) => {
      const text = texts[index];
      const fits = kinds.has(row.dataset.k) && words.every((word) => text.includes(word));
      row.hidden = !fits;
      if (fits) left++;
    });
    none.hidden = left > 0;
    shown.textContent =
      left === rows.length ? count(left) + (left === 1 ? ' device' : ' devices') : count(left) + ' of ' + count(rows.length) + ' devices';
  }
  let waiting = 0;
  find.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 80);
  });
  form.addEventListener('change', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(filter));
  for (const button of document.querySelectorAll('button.only')) {
    button.addEventListener('click', () => {
      form.reset();
      find.value = button.dataset.code;
      filter();
      document.getElementById('devices').scrollIntoView();
      find.focus({ preventScroll: true });
    });
  }

  const compareText = new Intl.Collator('en').compare;
  const compareVersion = new Intl.Collator('en', { numeric: true }).compare;
  const compareNumber = (a, b) => a - b;
  const orders = { text: compareText, version: compareVersion, number: compareNumber };
  const heads = [...list.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    if (!kind) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const value = (row) => {
        const cell = row.cells[column];
        if (kind !== 'number') return cell.textContent;
        const text = cell.dataset.v ?? cell.textContent;
        return text === '' ? -1 : Number(text);
      };
      const keyed = rows.map((row, index) => ({ row, index, key: value(row) }));
      keyed.sort((a, b) => {
        const order = orders[kind](a.key, b.key);
        return (down ? -order : order) || a.index - b.index;
      });
      body.append(...keyed.map(({ row }) => row));
    });
  });
})();
`;
