// The screen clears when nobody uses it: a warning, then the unsaved text goes to its author's drafts, the page is emptied and the
// sign-in page asks the same person again. The station ends the session by its own clock whatever happens here; this is only for
// the eyes of whoever passes by. Windows of one browser share their use, and one that clears clears all.

const WARNING = 60; // seconds before the end, or half of a shorter time
const TELL = 30_000; // ms: how often use without requests is told to the station
const FLUSH = 2_000; // ms: longest wait for drafts

const idle = Number(document.body.dataset.idle) * 1000;
const warnAfter = idle - Math.min(WARNING * 1000, idle / 2);
const ask = document.getElementById('idle-ask');
const others = 'BroadcastChannel' in window ? new BroadcastChannel('tomoshibi-use') : null;
let last = performance.now();
let told = last;
let leaving = false;

const here = () => location.pathname + location.search;

function used(event) {
  // Whoever touches a cleared page has not used it.
  if (leaving) return;
  const now = performance.now();
  const quiet = now - last;
  last = now;
  if (ask) ask.hidden = true;
  if (event && quiet > 1000) others?.postMessage('used');
  if (event && now - told > TELL) tell(now);
}

async function tell(now) {
  told = now;
  try {
    const answer = await fetch('/sign-in/here', { method: 'POST', cache: 'no-store' });
    if (answer.status === 401) leave(false);
  } catch {
    // No server: the mode bar says so, and the clock here goes on.
  }
}

// Empties the page for good. Back and forward find nothing, because nothing is kept.
function wipe() {
  document.title = '';
  document.body.replaceChildren();
}

// Text that could not be saved because the station does not answer stays: losing it would be worse, and the page says so.
const unsaved = () => document.querySelector('form.unsaved') !== null && document.body.classList.contains('no-server');

async function leave(tellOthers = true) {
  if (leaving || unsaved()) return;
  leaving = true;
  const to = here();
  const waits = [];
  document.dispatchEvent(new CustomEvent('leave', { detail: waits }));
  await Promise.race([Promise.allSettled(waits), new Promise((done) => { setTimeout(done, FLUSH); })]);
  if (tellOthers) others?.postMessage('left');
  wipe();
  try {
    await fetch('/sign-out/away', { method: 'POST', body: new URLSearchParams({ to }), redirect: 'manual', keepalive: true });
  } catch {
    // No server: the session there ends by its own clock.
  }
  location.replace('/sign-in?away=1&to=' + encodeURIComponent(to));
}

for (const kind of ['keydown', 'pointerdown', 'wheel', 'input']) {
  document.addEventListener(kind, used, { capture: true, passive: true });
}
if (others) {
  others.onmessage = (event) => {
    if (event.data === 'left') leave(false);
    else used(null);
  };
}

document.getElementById('away')?.addEventListener('submit', (event) => {
  event.preventDefault();
  leave();
});

setInterval(() => {
  const quiet = performance.now() - last;
  if (leaving) return;
  if (quiet >= idle) {
    leave();
  } else if (quiet >= warnAfter && ask) {
    ask.querySelector('b').textContent = String(Math.ceil((idle - quiet) / 1000));
    ask.hidden = false;
  }
}, 1000);

// A page kept for the back button would show a patient to whoever presses it next.
window.addEventListener('pagehide', (event) => { if (event.persisted) wipe(); });
window.addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
