// The mode bar never lies. Every 5 s it asks the station for its state; a watchdog with its own clock paints 通信できません
// when nothing has answered for 15 s, whatever the reason. It knows no words: all text comes from the server's page.

const EVERY = 5000;
const ANSWER_WITHIN = 4000;
const SILENT_AFTER = 15000;

const bar = document.getElementById('bar');
const lost = document.getElementById('bar-lost');
let tag = bar.dataset.tag || '';
let lastAnswer = performance.now();
let lastClock = new Date();
let truth = { mode: bar.dataset.mode, tab: bar.dataset.tab || '', html: bar.innerHTML };

const title = document.title.startsWith(truth.tab) ? document.title.slice(truth.tab.length) : document.title;

function paint(mode, tab, html) {
  if (bar.innerHTML !== html) bar.innerHTML = html;
  bar.dataset.mode = mode;
  document.title = tab + title;
}

function typing() {
  return [...document.querySelectorAll('textarea, input[type=text]')].some((field) => field.value !== field.defaultValue);
}

function take(state) {
  const openBefore = bar.dataset.open;
  truth = { mode: state.mode, tab: state.tab, html: state.bar };
  // The screens behind the bar opened or closed: show the right page, but never throw typed text away.
  if (openBefore !== undefined && String(state.open) !== openBefore) {
    bar.dataset.open = String(state.open);
    if (document.body.dataset.follows === 'mode' && !typing()) location.reload();
  }
}

async function ask() {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_WITHIN);
  try {
    const answer = await fetch('/state', { headers: tag ? { 'If-None-Match': tag } : {}, cache: 'no-store', signal: stop.signal });
    if (answer.status === 200) {
      tag = answer.headers.get('ETag') || '';
      take(await answer.json());
    } else if (answer.status !== 304) {
      return;
    }
    lastAnswer = performance.now();
    lastClock = new Date();
    if (document.body.classList.contains('no-server')) {
      document.body.classList.remove('no-server');
      document.dispatchEvent(new CustomEvent('server', { detail: true }));
    }
    paint(truth.mode, truth.tab, truth.html);
  } catch {
    // The watchdog decides; one failed question means nothing yet.
  } finally {
    clearTimeout(timer);
  }
}

function watch() {
  if (performance.now() - lastAnswer < SILENT_AFTER) return;
  if (document.body.classList.contains('no-server')) return;
  document.body.classList.add('no-server');
  document.dispatchEvent(new CustomEvent('server', { detail: false }));
  paint('lost', lost.dataset.tab, lost.innerHTML.replace('{clock}', lastClock.toLocaleTimeString('ja-JP')));
}

// Buttons that need the server say so instead of failing silently; text stays where it is.
document.addEventListener('server', (event) => {
  for (const button of document.querySelectorAll('button[type=submit], form button:not([type])')) {
    if (event.detail) button.removeAttribute('aria-disabled');
    else button.setAttribute('aria-disabled', 'true');
  }
});
document.addEventListener('submit', (event) => {
  if (document.body.classList.contains('no-server')) event.preventDefault();
}, true);

setInterval(ask, EVERY);
setInterval(watch, 1000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) { watch(); ask(); } });
