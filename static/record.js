// <fresh-state>: asks for the state of the confirmation until whoever has the address has answered it, or it failed for good.

const FIRST = 1000, MOST = 30_000; // milliseconds between two questions, ever more

class FreshState extends HTMLElement {
  connectedCallback() {
    this.pause = FIRST;
    this.wait();
  }

  wait() {
    if (!this.querySelector("[data-waiting]")) return;
    setTimeout(() => this.ask(), this.pause);
    this.pause = Math.min(1.5 * this.pause, MOST);
  }

  async ask() {
    if (document.hidden) return document.addEventListener("visibilitychange", () => this.ask(), { once: true });
    try {
      const answer = await fetch(this.dataset.url, { headers: { "X-Requested-With": "XMLHttpRequest" } });
      if (answer.redirected || answer.status === 404) return; // signed out, or the record is gone
      if (answer.ok) this.show(await answer.text());
    } catch {
      // The connection broke: the next time, perhaps.
    }
    this.wait();
  }

  show(state) {
    const fresh = document.createElement("template");
    fresh.innerHTML = state;
    // Left alone while it stays the same: somebody may be reading what unfolds.
    if (fresh.content.textContent.trim() !== this.textContent.trim()) this.replaceChildren(fresh.content);
  }
}

customElements.define("fresh-state", FreshState);
