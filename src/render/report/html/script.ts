/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/**
 * What the page does by itself: filters, sorting, light or dark, and, during its run, reloading without losing the reader's
 * settings. The source text of this function becomes part of the page, so it uses nothing from outside. Its digest is in the
 * page's policy.
 */
function enhance(): void {
  const root = document.documentElement;
  root.classList.add('js');
  const byId = (id: string) => document.getElementById(id);

  /** The reader's settings, kept in the tab's history when the page reloads. */
  interface Kept {
    written?: number;
    /** When this version of the page was first seen, by the reader's own clock. */
    seen?: number;
    /** The page was reloaded while the reader watched, so the two clocks need not agree. */
    renewed?: boolean;
    theme?: string;
    find?: string;
    hidden?: string[];
    labels?: Record<string, string>;
    sorted?: { column: number; down: boolean };
    opened?: number[];
    focus?: string;
    scroll?: number;
  }
  const kept = (history.state ?? {}) as Kept;
  const keepers: ((kept: Kept) => void)[] = [];
  const details = () => [...document.querySelectorAll('details')];
  function keep(): void {
    const now: Kept = { ...kept, scroll: scrollY, focus: document.activeElement?.id ?? '' };
    if (root.dataset.theme) now.theme = root.dataset.theme;
    now.opened = details().flatMap((one, place) => (one.open ? [place] : []));
    for (const keeper of keepers) keeper(now);
    history.replaceState(now, '');
  }
  addEventListener('pagehide', keep);
  if (kept.theme) root.dataset.theme = kept.theme;
  for (const place of kept.opened ?? []) details()[place]?.setAttribute('open', '');

  const written = Number(root.dataset.written);
  if (written > 0) follow(Number(root.dataset.next) - written);

  /** Reloads the page every `every` milliseconds, and shows if it was not renewed in time. */
  function follow(every: number): void {
    if (kept.written !== written) {
      kept.renewed = kept.written !== undefined;
      kept.written = written;
      kept.seen = Date.now();
    }
    const since = kept.renewed && kept.seen !== undefined ? kept.seen : written;
    const stale = byId('stale');
    const fresh = byId('fresh');
    const age = byId('age');
    const title = document.title;
    const look = () => {
      const old = Date.now() - since;
      const late = old > every * 2 + 5000;
      if (stale) stale.hidden = !late;
      if (fresh) fresh.hidden = late;
      document.title = late ? `Stale · ${title}` : title;
      const minutes = Math.floor(old / 60_000);
      if (age) age.textContent = `not renewed for ${minutes < 2 ? `${Math.floor(old / 1000)} s` : `${minutes} min`}`;
    };
    look();
    setInterval(look, 1000);
    let due = Date.now() + every;
    const again = async () => {
      if (document.hidden || Date.now() < due) return;
      due = Date.now() + every;
      // If the server does not answer, reloading would replace the page by an error.
      if (location.protocol.startsWith('http')) {
        const answer = await fetch(location.href, { cache: 'no-store' }).catch(() => null);
        await answer?.body?.cancel();
        if (!answer?.ok) return;
      }
      keep();
      location.reload();
    };
    setInterval(() => void again(), 500);
  }

  const theme = byId('theme');
  const dark = () =>
    root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  const tellTheme = () => theme?.setAttribute('aria-pressed', String(dark()));
  theme?.addEventListener('click', () => {
    root.dataset.theme = dark() ? 'light' : 'dark';
    tellTheme();
  });
  tellTheme();

  // Folded sections would be missing on paper.
  let opened: HTMLDetailsElement[] = [];
  addEventListener('beforeprint', () => {
    opened = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')];
    for (const one of opened) one.open = true;
  });
  addEventListener('afterprint', () => {
    for (const one of opened) one.open = false;
  });

  const restore = () => {
    if (kept.focus) byId(kept.focus)?.focus({ preventScroll: true });
    if (kept.scroll !== undefined) scrollTo(0, kept.scroll);
  };

  const list = byId('list') as HTMLTableElement | null;
  const form = byId('filters') as HTMLFormElement | null;
  const find = byId('find') as HTMLInputElement | null;
  const shown = byId('shown');
  const none = byId('none');
  const body = list?.tBodies[0];
  if (!list || !form || !find || !shown || !none || !body) {
    restore();
    return;
  }
  const rows = [...body.rows];
  const boxes = [...form.querySelectorAll<HTMLInputElement>('input[name=kind]')];
  const choices = [...form.querySelectorAll<HTMLSelectElement>('select[name=label]')];
  const texts = rows.map((row) => (row.textContent ?? '').toLowerCase());
  const count = (number: number) => number.toLocaleString('en-US');

  function filter(): void {
    if (!find || !shown || !none) return;
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const wanted = choices.filter((choice) => choice.value !== '');
    let left = 0;
    rows.forEach((row, index) => {
      const text = texts[index] ?? '';
      const labeled = wanted.every(({ dataset, value }) => row.dataset[`l${dataset.l}`] === value);
      const fits = kinds.has(row.dataset.k ?? '') && labeled && words.every((word) => text.includes(word));
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
    const sort = (down: boolean) => {
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const keyed = rows.map((row, index) => ({ row, index, text: textOf(row), number: numberOf(row) }));
      const compare = kind === 'version' ? compareVersion : compareText;
      keyed.sort((a, b) => {
        const order = kind === 'number' ? a.number - b.number : compare(a.text, b.text);
        return (down ? -order : order) || a.index - b.index;
      });
      body.append(...keyed.map(({ row }) => row));
    };
    button.addEventListener('click', () => sort(head.getAttribute('aria-sort') === 'ascending'));
    if (kept.sorted?.column === column) sort(kept.sorted.down);
  });

  const nameOf = ({ parentElement }: HTMLElement) => (parentElement?.firstChild?.textContent ?? '').trim();
  find.value = kept.find ?? '';
  for (const box of boxes) box.checked = !kept.hidden?.includes(box.value);
  for (const choice of choices) {
    const value = kept.labels?.[nameOf(choice)] ?? '';
    if ([...choice.options].some((option) => option.value === value)) choice.value = value;
  }
  filter();
  restore();
  keepers.push((now) => {
    now.find = find.value;
    now.hidden = boxes.filter((box) => !box.checked).map((box) => box.value);
    // A kind that no device has now may come back.
    now.hidden.push(...(kept.hidden ?? []).filter((kind) => boxes.every((box) => box.value !== kind)));
    now.labels = Object.fromEntries(choices.map((choice) => [nameOf(choice), choice.value]));
    const column = heads.findIndex((head) => head.hasAttribute('aria-sort'));
    if (column >= 0) now.sorted = { column, down: heads[column]?.getAttribute('aria-sort') === 'descending' };
  });
}

/** The page's script. */
export const SCRIPT = `'use strict';(${enhance})();`;
