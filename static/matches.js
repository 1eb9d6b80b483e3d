// <likely-matches>: asks quietly who may be the same person once the name, the address or the number is entered.

const ASKED_ABOUT = ["full_name", "email", "phone", "date_of_birth"];
let released; // settles when what is pressed is let go: it shall not move away under the finger

document.addEventListener("pointerdown", () => {
  released = new Promise((resolve) => {
    const over = new AbortController();
    const letGo = () => {
      over.abort();
      setTimeout(resolve, 100); // milliseconds: the click of a tap comes after its pointerup
    };
    for (const kind of ["pointerup", "pointercancel"]) document.addEventListener(kind, letGo, { signal: over.signal });
  });
});

class LikelyMatches extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.asking = new AbortController();
    this.form.addEventListener("change", ({ target }) => ASKED_ABOUT.includes(target.name) && this.ask());
  }

  async ask() {
    this.asking.abort();
    const { signal } = (this.asking = new AbortController());
    const typed = new FormData(this.form);
    const body = new FormData();
    for (const name of [...ASKED_ABOUT, "csrfmiddlewaretoken"]) body.append(name, typed.get(name));
    for (const ticked of typed.getAll("apart_from")) body.append("apart_from", ticked);
    try {
      const headers = { "X-Requested-With": "XMLHttpRequest" };
      const answer = await fetch(this.dataset.url, { method: "POST", body, headers, signal });
      if (!answer.ok || answer.redirected) return;
      const matches = await answer.text();
      await released;
      if (!signal.aborted) this.show(matches);
    } catch {
      // A courtesy: the form asks again when it is sent.
    }
  }

  show(matches) {
    const fresh = document.createElement("template");
    fresh.innerHTML = matches;
    const [told, tells] = [this.form.querySelector(":scope > .choice a"), fresh.content.querySelector(".choice a")];
    if (told && told.href === tells?.href) tells.parentElement.remove(); // by the form, when it came back
    if (fresh.content.textContent.trim() === this.textContent.trim()) return;
    const boxes = () => new Map([...this.querySelectorAll("[name=apart_from]")].map((box) => [box.value, box]));
    const shown = boxes(), focused = document.activeElement;
    this.replaceChildren(fresh.content);
    for (const [number, box] of boxes()) {
      const old = shown.get(number);
      if (old) box.checked = old.checked; // ticked meanwhile, perhaps
      if (old && old === focused) box.focus();
    }
  }
}

customElements.define("likely-matches", LikelyMatches);
