// Choosing in lists with ↑ ↓ PageUp PageDown Home End. At reception the focus stays in the search field and the card beside the list
// shows the chosen person; in tables the focus itself walks from row to row. Enter at reception acts only on a person whom the
// page has shown for exactly this text; after a scan it only chooses, so that somebody looks before anything is recorded.

// Milliseconds between the last letter and Enter that a person needs at least.
const BY_HAND = 70;
const STEP = { ArrowDown: 1, ArrowUp: -1, PageDown: 7, PageUp: -7, Home: -Infinity, End: Infinity };

function reception(list) {
  const form = document.querySelector('form[data-live]');
  const field = form.querySelector('[data-search]');
  const card = document.getElementById('card');
  const status = document.getElementById('chosen');
  let typed = -Infinity;
  const rows = () => [...list.querySelectorAll('a.row')];
  const current = () => list.querySelector('a.row[aria-current]');

  function choose(row) {
    for (const other of rows()) other.removeAttribute('aria-current');
    if (!row) { card.innerHTML = document.getElementById('card-empty').innerHTML; return; }
    row.setAttribute('aria-current', 'true');
    row.scrollIntoView({ block: 'nearest' });
    card.innerHTML = row.nextElementSibling.innerHTML;
    status.textContent = row.querySelector('.name-cell').textContent.replace(/\s+/g, ' ');
  }

  async function act() {
    // The list on the screen must belong to the text in the field, or the wrong person would be taken. Enter right behind the
    // last letter comes from a slow bar code reader: it chooses, a person looks, and the next Enter receives.
    if (form.answered !== field.value || performance.now() - typed < BY_HAND) { await form.lookUp(); return; }
    // Only what the main action needs: further acts below it have fields of their own.
    const main = card.querySelector('[data-main]');
    const day = main?.form?.querySelector('.day input');
    if (day && !day.value) { day.focus(); return; }
    const choice = main?.form?.querySelector('select[required]');
    if (choice && !choice.value) { choice.focus(); return; }
    main?.click();
  }

  list.addEventListener('filled', () => {
    // What was said about the person before must not stand beside the next one.
    for (const box of document.querySelectorAll('.note-box[role=alert]')) box.remove();
    choose(rows()[0]);
  });
  list.addEventListener('click', (event) => {
    const row = event.target.closest('a.row');
    if (!row || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose(row);
    field.focus();
  });
  field.addEventListener('scanned', () => form.lookUp());
  field.addEventListener('input', () => { typed = performance.now(); });
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey) return;
    if (event.target === field && event.code === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (!event.repeat && (field.value || current())) act();
      return;
    }
    const inList = event.target === field || event.target === document.body || list.contains(event.target);
    const step = STEP[event.code];
    if (!inList || step === undefined || (event.target === field && ['Home', 'End'].includes(event.code))) return;
    const all = rows();
    if (!all.length) return;
    event.preventDefault();
    const at = all.indexOf(current()) + step;
    choose(all[Math.max(0, Math.min(all.length - 1, at))]);
  });
  // Esc 別の人: the card's link would load the page; clearing the field is quicker and keeps the focus.
  document.addEventListener('click', (event) => {
    if (!event.target.closest?.('[data-other]')) return;
    event.preventDefault();
    field.value = '';
    form.lookUp();
    field.focus();
  });
}

function table(box) {
  const links = () => [...box.querySelectorAll('tbody a[data-row], li > a[data-row]')];
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.ctrlKey || event.altKey) return;
    const step = STEP[event.code];
    const at = links().indexOf(document.activeElement);
    const fromField = document.activeElement?.matches('[data-search]');
    // Nothing in particular has the focus: the page's own beginning, or nowhere.
    const nowhere = document.activeElement === document.body || document.activeElement?.id === 'main';
    if (step === undefined || (at < 0 && !fromField && !nowhere)) return;
    if (fromField && !['ArrowDown', 'PageDown'].includes(event.code)) return;
    event.preventDefault();
    const all = links();
    const next = at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + step));
    all[next]?.focus();
  });
}

const list = document.querySelector('[data-choose]');
if (list) reception(list);
for (const box of document.querySelectorAll('[data-walk]')) table(box);
