// Lets a photo be dropped anywhere on the page, or pasted: beside the field, a browser would open it in the page's place.

const field = () => document.querySelector("photo-field");
const hasFile = (event) => event.dataTransfer.types.includes("Files");

document.addEventListener("dragover", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  field().classList.add("over");
});
document.addEventListener("dragleave", (event) => event.relatedTarget || field().classList.remove("over"));
document.addEventListener("drop", (event) => {
  if (!hasFile(event)) return;
  event.preventDefault();
  field().classList.remove("over");
  field().take(event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => field().take(event.clipboardData.files[0]));
