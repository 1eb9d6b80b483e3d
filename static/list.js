// Keeps the list fresh while somebody looks at it, and searches while somebody types.

const EVERY = 5000, AFTER_TYPING = 250; // milliseconds
const results = document.getElementById("results");
const form = document.querySelector("form.search");
const box = document.getElementById("search");
const lost = document.getElementById("lost");
let request, etag, typing, waiting, pointed = 0;

/** Show what the service answers now; only the latest question's answer counts. Return the address that leads there. */
async function show(address, { headers, isSecond, ...options } = {}) {
  request?.abort();
  request = new AbortController();
  const answer = await fetch(address, {
    headers: { "X-Requested-With": "XMLHttpRequest", ...headers },
    signal: request.signal,
    ...options,
  });
  if (answer.redirected) return location.reload(); // to sign in
  if (answer.status === 403 && !isSecond) { // somebody signed in on another page, after which this one's token is old
    const page = new DOMParser().parseFromString(await (await fetch(location.pathname)).text(), "text/html");
    form.csrfmiddlewaretoken.value = page.querySelector("[name=csrfmiddlewaretoken]").value;
    return show(address, { ...options, body: new FormData(form), isSecond: true });
  }
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  etag = answer.headers.get("ETag");
  replace(document.importNode(fresh.content, true));
  return answer.headers.get("Content-Location");
}

/** Put fresh results in place, but for the cards that are shown already: loaded, perhaps unfolded or focused. */
function replace(fresh) {
  const focused = document.activeElement;
  const shown = new Map([...results.querySelectorAll(".card")].map((card) => [card.id, card]));
  results.replaceChildren(fresh);
  for (const card of results.querySelectorAll(".card")) {
    const old = shown.get(card.id);
    if (!old) continue;
    for (const part of [".name", ".facts"]) { // the link and the folded part stay, with the focus and unfolded
      const [was, is] = [old, card].map((one) => one.querySelector(part));
      if (was.textContent !== is.textContent) was.replaceChildren(...is.childNodes);
    }
    const [shownPhoto, photo] = [old, card].map((one) => one.querySelector("img"));
    if (shownPhoto?.src !== photo?.src) {
      shownPhoto?.remove();
      if (photo) old.prepend(photo);
    }
    card.replaceWith(old);
  }
  const kept = focused.isConnected ? focused : focused.rel === "next" && results.querySelector("[rel=next]");
  if (kept) kept.focus({ preventScroll: true });
}

async function search() {
  results.setAttribute("aria-busy", "true");
  try {
    const address = await show(form.action, { method: "POST", body: new FormData(form) });
    history.replaceState(null, "", address); // so that going back from a record leads here
    document.getElementById("said").textContent = results.querySelector("h2, .empty p").textContent;
    lost.textContent = "";
  } catch (error) {
    if (error.name === "AbortError") return; // the next question is on its way
    lost.textContent = lost.dataset.lost;
    results.replaceChildren(); // they are of another search
  }
  results.removeAttribute("aria-busy");
}

async function refresh() {
  clearTimeout(waiting);
  const showsNewest = !/[?&](sought|search|before)=./.test(location.search) && !box.value;
  const isPointed = Date.now() - pointed < EVERY; // at a card, which shall not move away
  if (showsNewest && !isPointed && !document.hidden && !results.hasAttribute("aria-busy")) {
    await show(location.pathname, { headers: etag && { "If-None-Match": etag } }).catch(() => {}); // the next time, perhaps
  }
  clearTimeout(waiting);
  waiting = setTimeout(refresh, EVERY);
}

for (const kind of ["pointermove", "pointerdown", "focusin"]) {
  results.addEventListener(kind, () => (pointed = Date.now()));
}
box.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(search, AFTER_TYPING);
});
form.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("formaction")) return; // to register
  event.preventDefault();
  clearTimeout(typing);
  search();
});
addEventListener("online", () => lost.textContent && search());
document.addEventListener("visibilitychange", () => document.hidden || refresh());
waiting = setTimeout(refresh, EVERY);
