// Bar codes: a scanner types digits faster than people and ends with Enter or Tab. The burst is recognised wherever the focus is,
// also while an input method is composing, because event.code names the key and not the character. What the burst wrote into a
// field is taken out again: a scan during typing never enters a note; the page asks first.

const GAP = 35; // ms between two keys of a scanner
const SHORTEST = 5; // digits
const HESITATION = 500; // ms: digits this soon after other digits may be the rest of one number

const form = document.getElementById('scan');
const ask = document.getElementById('scan-ask');
let burst = null;

function start(event) {
  const field = event.target.matches?.('input, textarea') ? event.target : null;
  return { digits: '', last: 0, field, value: field ? field.value : '', caret: field ? field.selectionStart : 0 };
}

function isSearch(field) {
  return field && field.matches('[data-search]');
}

function finish() {
  const { digits, field, value, caret } = burst;
  burst = null;
  if (field) {
    field.value = isSearch(field) ? digits : value;
    if (!isSearch(field)) {
      try { field.setSelectionRange(caret, caret); } catch { /* fields such as checkboxes have no caret */ }
    }
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }
  if (isSearch(field)) {
    field.dispatchEvent(new CustomEvent('scanned', { bubbles: true, detail: digits }));
  } else if (!form) {
    return;
  } else {
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
    return;
  }
  const ends = ['Enter', 'NumpadEnter', 'Tab'].includes(event.code);
  const whole = ends && burst && !burst.tail && burst.digits.length >= SHORTEST && now - burst.last <= GAP;
  // Without a form for scans (signing in) only a search field takes them: a badge fills the field it was read into.
  if (whole && (form || isSearch(burst.field))) {
    event.preventDefault();
    event.stopImmediatePropagation();
    finish();
    return;
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
