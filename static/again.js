// <sign-in-again>: a dialog with the sign-in page's form, for somebody whose session ended while they were typing.

class SignInAgain extends HTMLElement {
  /**
   * Show the sign-in page (a Document from an address) until the wanted address answers; return a promise of its page,
   * or of null when the dialog was closed.
   */
  ask(page, address, wanted) {
    // The form that is sent and the watch over the session may both ask: one sign-in answers both.
    if (this.asking) return this.asking;
    this.dialog = this.querySelector("dialog");
    this.wanted = new URL(wanted).pathname;
    this.show(page, address);
    this.dialog.showModal();
    this.begin();
    this.querySelector("[data-cancel]").onclick = () => this.dialog.close();
    this.asking = new Promise((resolve) => {
      this.resolve = resolve;
      this.dialog.onclose = () => {
        this.asking = null;
        resolve(null);
      };
    });
    return this.asking;
  }

  show(page, address) {
    if (!page.querySelector("main form")) throw new Error("no page to sign in at");
    const parts = page.querySelectorAll("main .error-summary, main form");
    this.querySelector("[data-form]").replaceChildren(...parts);
    this.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send(event.target, new URL(event.target.getAttribute("action") ?? "", address));
    });
  }

  /** Put the focus where somebody goes on: at what is wrong, or at the first field. */
  begin() {
    (this.querySelector(".error-summary") ?? this.querySelector("input:not([type=hidden])"))?.focus();
  }

  async send(form, address) {
    const lost = this.querySelector("[data-lost]");
    lost.textContent = "";
    try {
      const answer = await fetch(address, { method: "POST", body: new FormData(form) });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (new URL(answer.url).pathname !== this.wanted) {
        this.show(page, answer.url);
        return this.begin();
      }
      this.resolve(page);
      this.dialog.close();
    } catch {
      lost.textContent = lost.dataset.lost;
    }
  }
}

customElements.define("sign-in-again", SignInAgain);
