// <likely-matches>: asks quietly who may be the same person once the name, the address or the number is entered.

const ASKED_ABOUT = ["full_name", "email", "phone", "date_of_birth"];

class LikelyMatches extends HTMLElement {
  connectedCallback() {
    this.form = this.closest("form");
    this.asking = new AbortController();
    this.form.addEventListener("change", ({ target }) => ASKED_ABOUT.includes(target.name) && this.ask());
  }

  async ask() {
    this.asking.abort();
    this.asking = new AbortController();
    const typed = new FormData(this.form);
    const body = new FormData();
    for (const name of [...ASKED_ABOUT, "csrfmiddlewaretoken"]) body.append(name, typed.get(name));
    for (const ticked of typed.getAll("apart_from")) body.append("apart_from", ticked);
    try {
      const headers = { "X-Requested-With": "XMLHttpRequest" };
      const answer = await fetch(this.dataset.url, { method: "POST", body, headers, signal: this.asking.signal });
      if (answer.ok && !answer.redirected) this.show(await answer.text());
    } catch {
      // A courtesy: the form asks again when it is sent.
    }
  }

  show(matches) {
    const fresh = document.createElement("template");
    fresh.innerHTML = matches;
    if (fresh.content.textContent.trim() !== this.textContent.trim()) this.replaceChildren(fresh.content);
  }
}

customElements.define("likely-matches", LikelyMatches);
