/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/**
 * What the page does by itself: filter, sort, light or dark. It becomes part of the page as it stands here, so it uses
 * nothing from outside; its digest stands in the page's policy.
 */
function enhance(): void {
  const root = document.documentElement;
  root.classList.add('js');
  const byId = (id: string) => document.getElementById(id);

  const theme = byId('theme');
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const tellTheme = () => theme?.setAttribute('aria-pressed', String(dark()));
  theme?.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    tellTheme();
  });
  tellTheme();

  // What is folded away would be missing on paper.
  let opened: HTMLDetailsElement[] = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')];
    for (const one of opened) one.open = true;
  });
  addEventListener('afterprint', () => {
    for (const one of opened) one.open = false;
  });

  const list = byId('list') as HTMLTableElement | null;
  const form = byId('filters') as HTMLFormElement | null;
  const find = byId('find') as HTMLInputElement | null;
  const shown = byId('shown');
  const none = byId('none');
  const body = list?.tBodies[0];
  if (!list || !form || !find || !shown || !none || !body) return;
  const rows = [...body.rows];
  const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name=kind]')];
  const texts = rows.map((row) => (row.textContent ?? '').toLowerCase());
  const count = (number: number) => number.toLocaleString('en-US');

  function filter(): void {
    if (!find || !shown || !none) return;
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let left = 0;
    rows.forEach((row, index) => {
      const text = texts[index] ?? '';
      const fits = kinds.has(row.dataset.k ?? '') && words.every((word) => text.includes(word));
      row.hidden = !fits;
      if (fits) left++;
    });
    none.hidden = left > 0;
    const all = left === rows.length;
    shown.textContent = all
      ? `${count(left)} ${left === 1 ? 'device' : 'devices'}`
      : `${count(left)} of ${count(rows.length)} devices`;
  }
  let waiting: ReturnType<typeof setTimeout> | undefined;
  find.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 80);
  });
  form.addEventListener('change', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(filter));
  for (const button of document.querySelectorAll<HTMLButtonElement>('button.only')) {
    button.addEventListener('click', () => {
      form.reset();
      find.value = button.dataset.code ?? '';
      filter();
      byId('devices')?.scrollIntoView();
      find.focus({ preventScroll: true });
    });
  }

  const compareText = new Intl.Collator('en').compare;
  const compareVersion = new Intl.Collator('en', { numeric: true }).compare;
  const heads = [...(list.tHead?.rows[0]?.cells ?? [])];
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    if (!kind) return;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.textContent = head.textContent;
    head.replaceChildren(button);
    const textOf = (row: HTMLTableRowElement) => row.cells[column]?.textContent ?? '';
    const numberOf = (row: HTMLTableRowElement) => {
      const text = row.cells[column]?.dataset.v ?? textOf(row);
      return text === '' ? -1 : Number(text);
    };
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const keyed = rows.map((row, index) => ({ row, index, text: textOf(row), number: numberOf(row) }));
      const compare = kind === 'version' ? compareVersion : compareText;
      keyed.sort((a, b) => {
        const order = kind === 'number' ? a.number - b.number : compare(a.text, b.text);
        return (down ? -order : order) || a.index - b.index;
      });
      body.append(...keyed.map(({ row }) => row));
    });
  });
}

/** The page's script. */
export const SCRIPT = `'use strict';(${enhance})();`;
