// Lets a photo be dropped anywhere on the page, or pasted: beside the field, a browser would open it in the page's place.

const field = () => document.querySelector("photo-field");
const take = (file) => field().closest("[inert]") || field().take(file); // while the form is sent it takes nothing
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
  take(event.dataTransfer.files[0]);
});
document.addEventListener("paste", ({ clipboardData }) => {
  if (!clipboardData.types.includes("text/html")) take(clipboardData.files[0]); // a spreadsheet's cell is a picture, too
});
