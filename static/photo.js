// <photo-field>: shows the chosen photo, turns it, and scales it down where the service would refuse it for its size.
// What is sent stays the input's file, and how far it is to be turned; the service decides about both.

import { scaled } from "./scale.js";

class PhotoField extends HTMLElement {
  ready = Promise.resolve(); // settles when the chosen photo may be sent

  connectedCallback() {
    this.input = this.querySelector("input[type=file]");
    this.turns = this.querySelector("input[type=hidden]");
    this.preview = this.querySelector(".preview");
    this.image = this.preview.querySelector("img");
    this.kept = this.image.getAttribute("src"); // at the service: of an earlier try, or the record's
    this.turning = this.querySelector("[data-turn]");
    this.turning.hidden = !this.kept;
    this.image.addEventListener("load", () => this.turn(Number(this.turns.value)));
    this.turn(Number(this.turns.value));
    this.querySelector(".photo-tools").hidden = false;
    this.input.addEventListener("change", () => (this.ready = this.show(this.input.files[0])));
    this.turning.addEventListener("click", () => this.turn((Number(this.turns.value) + 1) % 4));
    if (this.input.files[0]) this.ready = this.show(this.input.files[0]); // which some browsers keep over a reload
  }

  /** Make the file the input's, as if it had been chosen there. */
  take(file) {
    if (!file) return;
    this.put(file);
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  put(file) {
    const files = new DataTransfer();
    files.items.add(file);
    this.input.files = files.files;
  }

  async show(file) {
    this.turn(0);
    this.say("");
    this.preview.hidden = !file && !this.kept;
    const [name, size] = this.querySelector("[data-name]").children;
    if (!file) {
      name.textContent = size.textContent = "";
      this.image.hidden = this.turning.hidden = !this.kept;
      return this.kept ? (this.image.src = this.kept) : this.image.removeAttribute("src");
    }
    if (file.type === "application/pdf") this.say(this.dataset.pdf);
    else if (file.type && !file.type.startsWith("image/")) this.say(this.dataset.type);
    else if (file.size > this.dataset.limit) {
      const smaller = await scaled(file, this.dataset.limit).catch(() => null); // HEIC, in most browsers
      if (this.input.files[0] !== file) return; // another was chosen meanwhile
      if (smaller) this.put((file = smaller));
      else this.say(this.dataset.tooLarge);
    }
    [name.textContent, size.textContent] = [file.name, `, ${sizeOf(file)}`];
    URL.revokeObjectURL(this.image.src);
    this.image.src = URL.createObjectURL(file);
    this.image.hidden = this.turning.hidden = await this.image.decode().then(() => false, () => true);
  }

  turn(quarters) {
    this.turns.value = quarters;
    const { offsetWidth: width, offsetHeight: height } = this.image;
    const fit = quarters % 2 && width ? Math.min(width / height, height / width) : 1; // the place that it has upright
    this.image.style.transform = `rotate(${quarters * 90}deg) scale(${fit})`;
  }

  say(sentence) {
    this.querySelector("[data-refusal]").textContent = sentence;
  }
}

function sizeOf(file) {
  const [size, unit] = file.size < 1e6 ? [file.size / 1e3, "kilobyte"] : [file.size / 1e6, "megabyte"];
  const format = { style: "unit", unit, maximumFractionDigits: 1 };
  return new Intl.NumberFormat(document.documentElement.lang, format).format(size);
}

customElements.define("photo-field", PhotoField);
