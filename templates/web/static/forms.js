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
// Where the site asks for it: numbers are tried until the hash of challenge, address and number begins with enough zeros.
for (const form of document.querySelectorAll("form[data-work]")) {
  const zeros = (bytes) => {
    let count = 0;
    for (const byte of bytes) {
      if (byte) return count + Math.clz32(byte) - 24;
      count += 8;
    }
    return count;
  };
  form.addEventListener("submit", async (event) => {
    if (event.submitter && event.submitter.value !== "subscribe") return;
    if (form.elements.work.value) return;
    event.preventDefault();
    const start = `${form.dataset.work} ${form.elements.email.value.trim().toLowerCase()} `;
    const tried = (number) => crypto.subtle.digest("SHA-256", new TextEncoder().encode(start + number));
    for (let first = 0; ; first += 256) { // together: what takes time is to wait for each
      const hashes = await Promise.all(Array.from({ length: 256 }, (_, more) => tried(first + more)));
      const found = hashes.findIndex((hash) => zeros(new Uint8Array(hash)) >= Number(form.dataset.bits));
      if (found < 0) continue;
      form.elements.work.value = String(first + found);
      form.submit();
      return;
    }
  });
  form.elements.email.addEventListener("input", () => { form.elements.work.value = ""; });
}
