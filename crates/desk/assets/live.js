// Live search: a form with data-live posts its fields while they are typed (also during composition) and puts the answer's
// HTML into the element named by data-into. Names travel in the request's body, never in an address. Without this script the
// same form posts normally and the server answers with the whole page. How many there are stands at the foot of the page, outside
// that element, so the answer brings it along.

const WAIT = 40; // ms after the last key

for (const form of document.querySelectorAll('form[data-live]')) {
  const into = document.getElementById(form.dataset.into);
  let running = null;
  let timer = 0;
  form.answered = form.querySelector('[data-search]')?.value ?? '';

  const run = async () => {
    running?.abort();
    running = new AbortController();
    const asked = form.querySelector('[data-search]')?.value ?? '';
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.dataset.live, { method: 'POST', body, headers: { 'X-Part': 'rows' }, signal: running.signal });
      if (answer.status === 401 || answer.status === 423) { location.reload(); return; }
      if (!answer.ok) return;
      into.innerHTML = await answer.text();
      const counted = document.querySelector('[data-counted]');
      const counts = into.querySelector('[data-counts]')?.dataset.counts;
      if (counted && counts) counted.textContent = counts;
      form.answered = asked;
      into.dispatchEvent(new CustomEvent('filled', { bubbles: true }));
    } catch {
      // Aborted by the next key, or no server: the mode bar says so.
    }
  };
  form.lookUp = () => { clearTimeout(timer); return run(); };
  form.addEventListener('input', (event) => {
    if (event.target.matches('[data-quiet]')) return;
    clearTimeout(timer);
    timer = setTimeout(run, WAIT);
  });
  // Privacy: what was found does not stay on the screen of a desk that nobody uses.
  if (form.dataset.clear) {
    let idle = 0;
    const again = () => {
      clearTimeout(idle);
      idle = setTimeout(() => {
        const field = form.querySelector('[data-search]');
        if (!field.value) return;
        field.value = '';
        run();
      }, Number(form.dataset.clear) * 1000);
    };
    document.addEventListener('keydown', again);
    document.addEventListener('pointerdown', again);
    again();
  }
}
