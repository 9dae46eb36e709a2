// Keys: an element that carries aria-keyshortcuts is clicked (or, if it is a field, focused) when its keys are pressed.
// The attribute is the only list of keys there is. No single letters: the input method and screen readers need those.

const NAMES = { Escape: 'Escape', Enter: 'Enter', NumpadEnter: 'Enter' };

function pressed(event) {
  const code = event.code;
  const key = NAMES[code]
    || (/^(Digit|Numpad)\d$/.test(code) && code.slice(-1))
    || (/^Key[A-Z]$/.test(code) && code.slice(3))
    || (/^F\d+$/.test(code) && code)
    || '';
  if (!key) return '';
  return (event.ctrlKey ? 'Control+' : '') + (event.altKey ? 'Alt+' : '') + (event.shiftKey ? 'Shift+' : '') + key;
}

function visible(element) {
  return element.getClientRects().length > 0 && !element.closest('[hidden]');
}

function find(combination) {
  return [...document.querySelectorAll('[aria-keyshortcuts]')]
    .find((element) => element.getAttribute('aria-keyshortcuts').split(' ').includes(combination) && visible(element));
}

// Enter alone belongs to whatever has the focus; it is the screen's main action only when nothing would use it.
function takesEnter(element) {
  return element instanceof HTMLElement
    && (element.isContentEditable || ['A', 'BUTTON', 'INPUT', 'SELECT', 'TEXTAREA', 'SUMMARY'].includes(element.tagName));
}

// The middle of the page scrolls, not the window: with nothing focused, arrows and PageDown would do nothing. A field that asks for
// the focus itself gets it from the browser a moment later.
if (document.activeElement === document.body && !document.querySelector('[autofocus]')) document.getElementById('main')?.focus({ preventScroll: true });

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.keyCode === 229 || event.defaultPrevented) return;
  const combination = pressed(event);
  const special = event.ctrlKey || event.altKey || /^(F\d+|Escape|Enter|Shift\+Enter)$/.test(combination);
  if (!combination || !special) return;
  if (combination === 'Enter' && takesEnter(event.target)) return;
  if (event.repeat && combination.endsWith('Enter')) { event.preventDefault(); return; }
  const element = find(combination);
  if (!element) return;
  event.preventDefault();
  if (element.matches('input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea')) {
    element.focus();
    element.select();
  } else if (element.getAttribute('aria-disabled') !== 'true') {
    element.focus({ preventScroll: true });
    element.click();
  }
});

// Number keys answer a question only while that question has the focus (reasons, 性別, アレルギー).
document.addEventListener('keydown', (event) => {
  const group = event.target instanceof Element && event.target.closest('[data-digits]');
  if (!group || event.ctrlKey || event.altKey || event.isComposing) return;
  if (event.target.matches('input:not([type=radio]):not([type=checkbox]), textarea, select')) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  const choice = digit && group.querySelectorAll('input[type=radio]')[Number(digit[1]) - 1];
  if (!choice) return;
  event.preventDefault();
  choice.checked = true;
  choice.focus();
  choice.dispatchEvent(new Event('change', { bubbles: true }));
});
