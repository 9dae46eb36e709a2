// What holds for some seconds only: 取り消す disappears when its time is over, because the server would refuse it then.

for (const element of document.querySelectorAll('[data-fade]')) {
  setTimeout(() => {
    const hadFocus = element.contains(document.activeElement);
    element.hidden = true;
    if (hadFocus) document.querySelector('[data-search], main')?.focus();
  }, Number(element.dataset.fade) * 1000);
}

// A choice that opens its own field: アレルギー「あり」 → 何で、どんな症状.
for (const field of document.querySelectorAll('[data-when]')) {
  const [name, value] = field.dataset.when.split('=');
  const show = () => {
    const chosen = document.querySelector(`[name="${name}"]:checked`);
    field.hidden = chosen?.value !== value;
  };
  document.addEventListener('change', show);
  show();
}

// 仮: buttons that fill several fields at once (氏名不明), and buttons that put a value into one field (4週間後).
document.addEventListener('click', (event) => {
  const button = event.target.closest?.('[data-fill]');
  if (!button) return;
  event.preventDefault();
  for (const pair of button.dataset.fill.split('|')) {
    const [name, value] = pair.split('=');
    const field = button.form.elements[name];
    if (field) field.value = value;
  }
  button.form.elements[button.dataset.then]?.focus?.();
  button.form.dispatchEvent(new Event('input', { bubbles: true }));
});
