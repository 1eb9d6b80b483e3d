// Keeps the session while somebody is typing, warns before it ends, and covers the page when it has ended: a form with
// the sign-in page in a dialog, so that nothing on it is lost, and any other page with the sign-in page.

const dialog = document.getElementById("session-end");
const { address, user } = dialog.dataset;
const WARNING = Math.min(120, dialog.dataset.seconds / 2) * 1000, SIGN_OF_LIFE = WARNING / 2; // milliseconds
let ends = Date.now() + dialog.dataset.seconds * 1000, told = Date.now(), hasTyped = false, isAsking = false;

/** Ask how long the session goes on; a POST is a sign of life. */
async function ask(method = "GET") {
  const headers = { "X-Requested-With": "XMLHttpRequest", "X-CSRFToken": dialog.dataset.token };
  const state = await (await fetch(address, { method, headers })).json();
  ends = state.user === Number(user) ? Date.now() + state.seconds * 1000 : 0;
  dialog.dataset.token = state.token; // another one since somebody signed in on this page or on another
  if (state.user === Number(user)) renew(state.token);
}

function renew(token) {
  for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token;
}

async function look() {
  if (isAsking) return;
  isAsking = true;
  try {
    if (ends - Date.now() <= WARNING) await ask(); // another tab may have kept it
    if (ends <= Date.now()) await signInAgain();
    const left = ends - Date.now();
    if (left > WARNING) dialog.close();
    else if (left > 0 && !dialog.open && document.visibilityState === "visible") warn();
  } catch {
    // the connection broke: the next time
  }
  isAsking = false;
}

function warn() {
  dialog.querySelector("time").textContent = new Date(ends).toLocaleTimeString(document.documentElement.lang, { timeStyle: "short" });
  dialog.showModal();
}

async function signInAgain() {
  dialog.close();
  const again = document.querySelector("sign-in-again"), here = location.pathname + location.search;
  if (!again || !(hasTyped || document.querySelector("form[data-send]"))) return location.assign(here);
  const answer = await fetch(here);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = answer.redirected ? await again.ask(page, answer.url, location.href) : page;
  const state = fresh?.getElementById("session-end")?.dataset;
  if (state?.user !== user) { // given up, of which the browser asks, or somebody else is here, who shall not be asked
    if (fresh) for (const form of document.forms) form.isEntered = false;
    return location.assign(here);
  }
  renew(state.token);
  ends = Date.now() + state.seconds * 1000;
}

async function stay() {
  told = Date.now();
  await ask().then(() => ask("POST")).catch(() => {});
  if (ends - Date.now() > WARNING) dialog.close();
}

dialog.querySelector("button").addEventListener("click", stay);
dialog.addEventListener("cancel", stay); // Escape
document.addEventListener("input", () => {
  hasTyped = true;
  if (Date.now() - told > SIGN_OF_LIFE && ends > Date.now()) stay();
});
document.addEventListener("visibilitychange", look);
setInterval(look, Math.min(5000, WARNING / 4));
