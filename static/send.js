// Sends a form without leaving its page, so that nothing on it is lost whatever happens on the way: shows progress, takes
// no click and no letter meanwhile, says when the connection broke, and lets people sign in again where they were signed
// out. Who goes elsewhere before what they entered is saved, is asked.

const SECONDS_WITHOUT_PROGRESS = 60;

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-send]")) return;
  event.preventDefault();
  if (form.isSending) return;
  const focused = document.activeElement === document.body ? event.submitter : document.activeElement; // Safari's button
  hold(form, true);
  say(form, "");
  try {
    await form.querySelector("photo-field")?.ready;
    await take(form, await post(form, event.submitter), event.submitter);
  } catch {
    say(form, form.querySelector("[data-lost]").dataset.lost);
  }
  hold(form, false);
  if (document.activeElement.matches("body, dialog:not([open]) *")) focused.focus();
});

// Without this script the browser refuses half a date; with it the service does, together with all other errors.
for (const form of document.querySelectorAll("form[data-send]")) form.noValidate = true;

for (const kind of ["input", "change"]) { // the latter alone of a photo that was dropped
  document.addEventListener(kind, ({ target }) => {
    if (target.form?.matches("form[data-send]")) target.form.isEntered = true;
  });
}

addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-send]")?.isEntered) event.preventDefault();
});

/** Take nothing more while the form is being sent: it would be lost with the answer. */
function hold(form, isSending) {
  form.isSending = isSending;
  for (const part of form.children) part.inert = isSending && !part.matches("progress, [data-lost]");
}

/** Return the inputs in which something stands that is no value, such as half a date. */
function unreadable(form) {
  return [...form.elements].filter((input) => input.validity.badInput);
}

/** Send the form; return a promise of the finished request, which is rejected when the connection breaks. */
function post(form, submitter) {
  const data = new FormData(form);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  for (const input of unreadable(form)) data.set(input.name, "?"); // not "", as if nothing had been entered
  const progress = form.querySelector("progress");
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    let alarm;
    const wait = () => {
      clearTimeout(alarm);
      alarm = setTimeout(() => request.abort(), SECONDS_WITHOUT_PROGRESS * 1000);
    };
    request.open("POST", form.action);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.upload.onprogress = ({ loaded, total }) => {
      wait();
      progress.hidden = false;
      if (loaded < total) progress.value = loaded / total;
      else progress.removeAttribute("value"); // all is sent: the service is looking at the photo
    };
    request.onload = () => resolve(request);
    request.onerror = request.onabort = reject;
    request.onloadend = () => {
      clearTimeout(alarm);
      progress.hidden = true;
    };
    request.send(data);
    wait();
  });
}

/** Do what the answer asks for. */
async function take(form, answer, submitter, isSecond) {
  if (answer.status === 201) {
    form.isEntered = false;
    return location.assign(answer.getResponseHeader("Location"));
  }
  const page = parse(answer.responseText);
  if (answer.status === 200 && new URL(answer.responseURL).pathname !== new URL(form.action).pathname) {
    const fresh = await document.querySelector("sign-in-again").ask(page, answer.responseURL, form.action);
    return fresh ? sendAgain(form, submitter, fresh) : say(form, form.querySelector("[data-lost]").dataset.signedOut);
  }
  if (answer.status === 403 && !isSecond) { // somebody signed in on another page, after which this one's token is old
    const fresh = await fetch(form.action).then((found) => found.text());
    return sendAgain(form, submitter, parse(fresh));
  }
  if (page.querySelector("form[data-send]")) {
    document.title = page.title;
    const halfEntered = unreadable(form);
    document.querySelector("main").replaceChildren(...page.querySelector("main").childNodes);
    begin(document.querySelector("form[data-send]"), halfEntered);
    scrollTo(0, 0);
    document.getElementById("error-summary")?.focus();
  } else {
    const [title, advice] = page.querySelectorAll("h1, h1 + p");
    say(form, `${title.textContent}. ${advice.textContent}`);
  }
}

/** Go on with the page's form as it came back, and with what no value could tell it. */
function begin(form, halfEntered) {
  form.noValidate = form.isEntered = true;
  for (const input of halfEntered) {
    const fresh = document.getElementById(input.id);
    for (const { name, value } of fresh.attributes) if (name !== "value") input.setAttribute(name, value);
    fresh.replaceWith(input);
  }
}

async function sendAgain(form, submitter, fresh) {
  const token = fresh.querySelector("[name=csrfmiddlewaretoken]")?.value;
  for (const input of document.querySelectorAll("[name=csrfmiddlewaretoken]")) input.value = token ?? input.value;
  const [mine, theirs] = [document, fresh].map((page) => page.getElementById("session-end")?.dataset.user);
  if (mine !== theirs) return say(form, form.querySelector("[data-lost]").dataset.other); // and a second click is theirs
  await take(form, await post(form, submitter), submitter, true);
}

function parse(text) {
  return new DOMParser().parseFromString(text, "text/html");
}

function say(form, sentence) {
  form.querySelector("[data-lost]").textContent = sentence;
}
