// Drafts: a form with data-draft sends its fields to the station every 3 s while they change, where they are sealed. At most 3 s
// of typing can be lost. When the station does not answer, the text stays in the boxes, the page says so, and the main button
// becomes 「この文章を紙に印刷」. Nothing is kept in the browser's own storage: terminals are shared.

const EVERY = 3000;

for (const form of document.querySelectorAll('form[data-draft]')) {
  const saved = document.getElementById('saved');
  const fallback = document.getElementById('save-failed');
  const fields = () => new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === 'string')).toString();
  let last = fields();
  let sending = false;

  const failed = (bad) => {
    fallback.hidden = !bad;
    saved.hidden = bad;
    form.classList.toggle('unsaved', bad);
  };

  let running = Promise.resolve();
  const save = () => {
    if (!sending && fields() !== last) running = send();
    return running;
  };

  const send = async () => {
    const now = fields();
    sending = true;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 4000);
    try {
      // A page that is being left still delivers what was typed (browsers allow 64 KiB for that).
      const keepalive = now.length < 60000;
      const answer = await fetch(form.dataset.draft, { method: 'POST', body: new URLSearchParams(now), signal: stop.signal, keepalive });
      if (!answer.ok) throw new Error(String(answer.status));
      saved.textContent = await answer.text();
      last = now;
      failed(false);
    } catch {
      failed(true);
    } finally {
      clearTimeout(timer);
      sending = false;
    }
  };
  setInterval(save, EVERY);
  // The screen is about to be cleared, or somebody else comes in: what is typed goes to its author's drafts first.
  document.addEventListener('leave', (event) => { event.detail.push(save().then(save)); });
  document.addEventListener('visibilitychange', () => { if (document.hidden) save(); });
  form.addEventListener('submit', () => { last = fields(); });
  window.addEventListener('beforeunload', (event) => {
    if (fields() !== last && form.classList.contains('unsaved')) event.preventDefault();
  });

  // 引用: earlier text comes in behind 「＞」, so that copied text is visible as copied.
  document.addEventListener('click', (event) => {
    const button = event.target.closest?.('[data-quote]');
    if (!button) return;
    const box = form.elements[button.dataset.into] ?? form.querySelector('textarea');
    const text = document.getElementById(button.dataset.quote).textContent.trim();
    const quoted = text.split('\n').map((line) => '＞' + line).join('\n');
    box.value += (box.value && !box.value.endsWith('\n') ? '\n' : '') + quoted + '\n';
    box.focus();
    box.dispatchEvent(new Event('input', { bubbles: true }));
  });
}
