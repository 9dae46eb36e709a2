"use strict";
const hubs = @HUBS@;
const HEAD_START = 1500;
const PATIENCE = 4000;
const AGAIN = 5000;
const seen = (id) => document.getElementById(id);
const clock = (at) => at.toLocaleTimeString("ja-JP", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
let since = null;
let busy = false;
let timer = 0;

const ask = async (hub, wait, ended) => {
  await new Promise((go) => setTimeout(go, wait));
  if (ended.aborted) throw new Error("ended");
  const patience = AbortSignal.any ? AbortSignal.any([ended, AbortSignal.timeout(PATIENCE)]) : ended;
  const answer = await fetch(hub + "/alive", { cache: "no-store", credentials: "omit", redirect: "error", signal: patience });
  const words = await answer.text();
  if (!answer.ok || !words.startsWith("tomoshibi ")) throw new Error("another");
  return hub;
};

const round = async () => {
  if (busy) return;
  busy = true;
  clearTimeout(timer);
  const end = new AbortController();
  const late = setTimeout(() => end.abort(), PATIENCE + HEAD_START * hubs.length);
  try {
    const hub = await Promise.any(hubs.map((hub, place) => ask(hub, place * HEAD_START, end.signal)));
    document.body.className = "opens";
    seen("state").textContent = "画面を開いています";
    location.replace(hub + "/");
    // Where the page does not come after all, the search goes on.
    timer = setTimeout(round, AGAIN * 2);
  } catch {
    const now = new Date();
    since ??= now;
    if (document.body.className !== "away") {
      document.body.className = "away";
      seen("state").textContent = "画面を開けません";
      seen("since").textContent = clock(since);
    }
    seen("offline").hidden = navigator.onLine;
    seen("tried").textContent = clock(now);
    timer = setTimeout(round, AGAIN);
  } finally {
    clearTimeout(late);
    end.abort();
    busy = false;
  }
};

seen("again").addEventListener("click", round);
addEventListener("online", round);
seen("again").focus();
round();
