// Narrows the list of topics while one types. Without it the button beside the field does the same.
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
