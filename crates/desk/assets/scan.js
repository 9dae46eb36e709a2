// Bar codes: a scanner types digits faster than people and ends with Enter or Tab. The burst is recognised wherever the focus is,
// also while an input method is composing, because event.code names the key and not the character. What the burst wrote into a
// field is taken out again: a scan during typing never enters a note; the page asks first.

const GAP = 35; // ms between two keys of a scanner
const SHORTEST = 5; // digits
const HESITATION = 500; // ms: digits this soon after other digits may be the rest of one number
const BADGE = /^9[12]\d{49}$/; // a continuity badge or a sealed envelope: who it is, and a secret
const LONGEST = 13; // digits of anything else we read; what is longer is a badge, and its digits are shown nowhere
const FLUSH = 2000; // ms: longest wait for drafts

const form = document.getElementById('scan');
const badge = document.getElementById('badge');
const ask = document.getElementById('scan-ask');
let burst = null;

function start(event) {
  const field = event.target.matches?.('input, textarea') ? event.target : null;
  return { digits: '', last: 0, secret: false, field, value: field ? field.value : '', caret: field ? field.selectionStart : 0 };
}

function isSearch(field) {
  return field && field.matches('[data-search]');
}

// The field as it was before the burst.
function restore({ field, value, caret }) {
  if (!field) return;
  field.value = value;
  try { field.setSelectionRange(caret, caret); } catch { /* fields such as checkboxes have no caret */ }
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

// Somebody else comes in: what was being typed here goes to its author's drafts, then the station says whose badge it is.
async function enter(digits) {
  const waits = [];
  document.dispatchEvent(new CustomEvent('leave', { detail: waits }));
  await Promise.race([Promise.allSettled(waits), new Promise((done) => { setTimeout(done, FLUSH); })]);
  badge.elements.scanned.value = digits;
  const door = /^\/(sign-in|envelope)/.test(location.pathname);
  const asked = document.querySelector('main [name=to]');
  badge.elements.to.value = door ? asked?.value ?? '' : location.pathname + location.search;
  badge.requestSubmit();
}

function finish() {
  const { digits, field, value, caret, secret } = burst;
  burst = null;
  if (secret) {
    if (BADGE.test(digits)) enter(digits);
    return;
  }
  if (isSearch(field)) {
    field.value = digits;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new CustomEvent('scanned', { bubbles: true, detail: digits }));
    return;
  }
  restore({ field, value, caret });
  if (form) {
    form.elements.code.value = digits;
    const writing = field && (field.closest('[data-draft]') || field.value !== field.defaultValue);
    if (!writing) {
      form.requestSubmit();
      return;
    }
    ask.querySelector('b').textContent = digits;
    ask.hidden = false;
    ask.querySelector('button').focus();
  }
}

document.addEventListener('keydown', (event) => {
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
  const now = event.timeStamp;
  if (digit && !event.ctrlKey && !event.altKey && !event.shiftKey) {
    if (!burst || now - burst.last > GAP) {
      // A reader that hesitates in the middle: what follows is only a tail, and the tail of a number may be somebody
      // else's. Such a burst is left alone; the field holds the whole number, and Enter means what it always means.
      const tail = burst !== null && now - burst.last <= HESITATION;
      burst = { ...start(event), tail };
    }
    burst.digits += digit[1];
    burst.last = now;
    if (!burst.tail && burst.digits.length > LONGEST && /^9[12]/.test(burst.digits)) {
      if (!burst.secret) restore(burst);
      burst.secret = true;
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    return;
  }
  const ends = ['Enter', 'NumpadEnter', 'Tab'].includes(event.code);
  // A declaration's codes stay in the field that asks for them, with the line break behind each.
  const kept = burst?.field?.matches('[data-codes]') && !burst.secret;
  const whole = ends && burst && !kept && !burst.tail && burst.digits.length >= SHORTEST && now - burst.last <= GAP;
  // Without a form for scans (signing in) only a search field takes them, and badges.
  if (whole && (form || burst.secret || isSearch(burst.field))) {
    event.preventDefault();
    event.stopImmediatePropagation();
    finish();
    return;
  }
  // What began like a badge and broke off leaves nothing behind.
  if (ends && burst?.secret) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
  burst = null;
}, true);

if (ask) {
  const back = document.createComment('');
  const close = () => { ask.hidden = true; (back.field || document.body).focus(); };
  ask.querySelector('[data-no]').addEventListener('click', close);
  ask.querySelector('[data-yes]').addEventListener('click', () => form.requestSubmit());
  ask.addEventListener('keydown', (event) => {
    if (event.code !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  document.addEventListener('focusout', (event) => { if (event.target.matches?.('textarea, input')) back.field = event.target; });
}
