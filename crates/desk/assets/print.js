// Paper: sheets named by [data-print] are loaded one after the other into a frame nobody sees and sent to the printer; a browser
// started with --kiosk-printing does that silently, any other shows its dialogue. The link beside stays: without this script, or when
// the browser refuses, the sheet opens in a tab. Also the emergency route: typed text on paper without any server.

const frames = [...document.querySelectorAll('[data-print]')];

function next() {
  const link = frames.shift();
  if (!link) return;
  const frame = document.createElement('iframe');
  frame.className = 'frame';
  frame.title = link.textContent.trim();
  frame.setAttribute('aria-hidden', 'true');
  frame.tabIndex = -1;
  frame.addEventListener('load', () => {
    // The viewer takes the focus when it prints; the keys belong to the page.
    const focus = document.querySelector('[data-search]') ?? document.getElementById('main');
    try {
      frame.contentWindow.focus();
      frame.contentWindow.print();
    } catch {
      // Refused by the browser: the link beside opens the sheet in a tab.
    }
    window.focus();
    focus.focus({ preventScroll: true });
    next();
  });
  frame.src = link.href;
  document.body.append(frame);
}
next();

document.addEventListener('click', (event) => {
  if (!event.target.closest?.('[data-print-page]')) return;
  event.preventDefault();
  window.print();
});

// Browsers cut text boxes at their edge: before printing, their whole text is laid out below them.
window.addEventListener('beforeprint', () => {
  for (const box of document.querySelectorAll('textarea')) {
    let copy = box.nextElementSibling;
    if (!copy?.classList.contains('paper-text')) {
      copy = document.createElement('div');
      copy.className = 'paper-text only-paper';
      box.after(copy);
    }
    copy.textContent = box.value;
  }
});
