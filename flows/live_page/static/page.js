// Puts in what has changed, where somebody is and what is open left as it is; remembers your name.
"use strict";

const main = document.getElementById("main");
const said = document.getElementById("said");
const shown = new Map();

function put(part, html) {
  const place = document.querySelector(`[data-part="${part}"]`);
  if (!place || shown.get(part) === html) return;
  shown.set(part, html);
  const open = [...place.querySelectorAll("details[open]")].map((each) => each.id);
  const scrolled = [...place.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  const region = focused && focused.classList.contains("scroll") ? focused.getAttribute("aria-label") : null;
  place.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  place.querySelectorAll(".scroll").forEach((each, number) => { each.scrollLeft = scrolled[number] ?? 0; });
  if (focused?.id) document.getElementById(focused.id)?.focus({ preventScroll: true });
  else if (region) place.querySelector(`[aria-label="${region}"]`)?.focus({ preventScroll: true });
}

function say(words) {
  if (said.textContent !== words) said.textContent = words;
}

let lost = false;
const source = new EventSource(`/events?market=${encodeURIComponent(main.dataset.market)}`);
source.addEventListener("parts", (event) => {
  for (const [part, html] of Object.entries(JSON.parse(event.data))) put(part, html);
  document.documentElement.dataset.live = "yes";
  if (lost || said.textContent.startsWith("Please wait")) say("");
  lost = false;
});
source.addEventListener("error", () => {
  lost = true;
  document.documentElement.dataset.live = "no";
  say("The connection to this page is lost; it is tried again.");
});

const by = document.getElementById("by");
if (by) {
  by.value = localStorage.getItem("offerstream.by") ?? "";
  by.addEventListener("change", () => localStorage.setItem("offerstream.by", by.value));
}
