// <photo-viewer>: the photo in a window of its own, to be zoomed, turned and moved.

const STEP = 1.5, LARGEST = 8, NUDGE = 60; // pixels

class PhotoViewer extends HTMLElement {
  connectedCallback() {
    this.image = this.querySelector("img");
    this.dialog = this.querySelector("dialog");
    this.frame = this.querySelector(".frame");
    this.on("[data-open]", () => this.open()).hidden = false;
    this.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      this.open();
    });
    this.on("[data-larger]", () => this.zoom(STEP));
    this.on("[data-smaller]", () => this.zoom(1 / STEP));
    this.on("[data-turn]", () => this.draw({ turns: (this.turns + 1) % 4, x: 0, y: 0 }));
    this.on("[data-close]", () => this.dialog.close());
    this.dialog.addEventListener("close", () => {
      this.image.style.transform = "";
      this.querySelector("a").append(this.image);
    });
    this.dialog.addEventListener("keydown", (event) => this.press(event));
    this.frame.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(event.deltaY < 0 ? STEP : 1 / STEP);
    });
    this.frame.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      this.frame.setPointerCapture(event.pointerId);
    });
    this.frame.addEventListener("pointermove", (event) => {
      if (this.frame.hasPointerCapture(event.pointerId)) this.move(event.movementX, event.movementY);
    });
  }

  on(selector, deed) {
    const button = this.querySelector(selector);
    button.addEventListener("click", deed);
    return button;
  }

  open() {
    this.frame.append(this.image);
    this.dialog.showModal();
    this.draw({ scale: 1, turns: 0, x: 0, y: 0 });
  }

  press(event) {
    const deeds = {
      "+": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      ArrowLeft: () => this.move(NUDGE, 0),
      ArrowRight: () => this.move(-NUDGE, 0),
      ArrowUp: () => this.move(0, NUDGE),
      ArrowDown: () => this.move(0, -NUDGE),
    };
    if (!deeds[event.key]) return;
    event.preventDefault();
    deeds[event.key]();
  }

  zoom(factor) {
    this.draw({ scale: Math.min(Math.max(this.scale * factor, 1), LARGEST) });
  }

  move(x, y) {
    this.draw({ x: this.x + x, y: this.y + y });
  }

  draw(changes) {
    Object.assign(this, changes);
    const { offsetWidth: width, offsetHeight: height } = this.image;
    const [across, down] = this.turns % 2 ? [height, width] : [width, height];
    // Turned by a quarter it must still fit the frame.
    const fit = this.turns % 2 ? Math.min(this.frame.clientWidth / across, this.frame.clientHeight / down) : 1;
    // Half of it always stays in the frame, and all of it while it is not larger.
    const reach = this.scale === 1 ? 0 : (this.scale * fit) / 2;
    const within = (place, most) => Math.max(-most, Math.min(most, place));
    this.x = within(this.x, reach * across);
    this.y = within(this.y, reach * down);
    this.image.style.transform = `translate(${this.x}px, ${this.y}px) rotate(${this.turns * 90}deg) scale(${this.scale * fit})`;
  }
}

customElements.define("photo-viewer", PhotoViewer);
