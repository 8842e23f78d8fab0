// Narrows the list of topics while one types, and guesses the time zone. Without it the button beside the field of
// topics does the same, and the time zone is chosen by hand.
"use strict";
for (const field of document.querySelectorAll("[data-narrows]")) {
  const list = document.getElementById(field.dataset.narrows);
  const told = document.getElementById(field.dataset.told);
  const groups = [...list.querySelectorAll("details")];
  const open = groups.map((group) => group.open);
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    groups.forEach((group, number) => {
      let here = 0;
      for (const entry of group.querySelectorAll("[data-words]")) {
        const fits = words.every((word) => entry.dataset.words.includes(word));
        entry.hidden = !fits;
        if (fits) here += 1;
      }
      group.hidden = here === 0;
      group.open = words.length ? here > 0 : open[number];
      shown += here;
    });
    told.textContent = words.length ? `${shown} ${shown === 1 ? "topic fits" : "topics fit"}` : "";
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it would send the whole form
  });
}
for (const field of document.querySelectorAll("[data-guess=timezone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && field.value === field.defaultValue && zone !== field.value) {
    field.value = zone;
    const hint = document.getElementById("timezone-hint");
    if (hint) hint.textContent = "As your browser says; change it if that is wrong.";
  }
}
