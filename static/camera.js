// <camera-dialog>: photographs the document. On touch devices the system's camera does it; elsewhere the webcam does, and
// where there is none, or it is refused, the dialog says so and leads to a file.

const hasTouch = matchMedia("(pointer: coarse)").matches;

class CameraDialog extends HTMLElement {
  connectedCallback() {
    this.field = this.closest("photo-field");
    this.dialog = this.querySelector("dialog");
    this.video = this.querySelector("video");
    this.status = this.querySelector("[role=status]");
    this.snap = this.querySelector("[data-snap]");
    this.other = this.querySelector("[data-other-camera]");
    const button = this.querySelector("[data-open]");
    button.hidden = !hasTouch && !navigator.mediaDevices; // which there is over https and on this machine only
    button.addEventListener("click", () => (hasTouch ? this.capture() : this.open()));
    this.dialog.addEventListener("close", () => this.release());
    this.snap.addEventListener("click", () => this.photograph());
    this.other.addEventListener("click", () => this.start(this.choice + 1));
    this.querySelector("[data-cancel]").addEventListener("click", () => this.dialog.close());
    this.querySelector("[data-file]").addEventListener("click", () => {
      this.dialog.close();
      this.field.input.click();
    });
  }

  disconnectedCallback() {
    this.release();
  }

  capture() {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: this.field.input.accept });
    input.setAttribute("capture", "environment");
    input.addEventListener("change", () => this.field.take(input.files[0]));
    input.click();
  }

  open() {
    this.dialog.showModal();
    this.start(0);
  }

  async start(choice) {
    this.choice = choice;
    this.release();
    this.say(this.status.dataset.asking);
    try {
      const devices = await navigator.mediaDevices.enumerateDevices();
      const cameras = devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId);
      const video = { width: { ideal: 4096 }, height: { ideal: 2160 }, facingMode: "environment" };
      if (choice) video.deviceId = { exact: cameras[choice % cameras.length].deviceId };
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      if (!this.dialog.open) return stop(stream);
      this.video.srcObject = stream;
      await this.video.play();
      this.say("");
      this.video.hidden = this.snap.hidden = false;
      this.other.hidden = cameras.length < 2;
      this.snap.focus();
    } catch (error) {
      this.say(this.status.getAttribute(`data-${error.name}`) ?? this.status.dataset.other);
      this.querySelector("[data-file]").focus();
    }
  }

  photograph() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [this.video.videoWidth, this.video.videoHeight];
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    canvas.toBlob((blob) => this.field.take(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.92);
    this.dialog.close();
  }

  release() {
    stop(this.video.srcObject);
    this.video.srcObject = null;
    this.video.hidden = this.snap.hidden = this.other.hidden = true;
  }

  say(sentence) {
    this.status.textContent = sentence;
  }
}

function stop(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}

customElements.define("camera-dialog", CameraDialog);
