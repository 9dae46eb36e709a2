// コピー: a field's text goes to the clipboard to be pasted into the EHR. Outside localhost and HTTPS browsers have no clipboard
// interface; then the text is selected and copied the old way. The button says 「コピーしました」 by its own words.

async function copy(text, element) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(element);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    const done = document.execCommand('copy');
    selection.removeAllRanges();
    return done;
  }
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest?.('[data-copy]');
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const done = await copy(source.textContent, source);
  const shown = button.querySelector('span');
  if (!done || shown.textContent === button.dataset.done) return;
  const word = shown.textContent;
  shown.textContent = button.dataset.done;
  const status = document.getElementById('copied');
  if (status) status.textContent = button.dataset.done;
  setTimeout(() => { shown.textContent = word; }, 2000);
});
