// The editor's page: asks for a mail whenever a choice changes, and shows what comes back.
"use strict";

const by = (id) => document.getElementById(id);
const state = { tab: "html", width: "desktop", scheme: "light", pictures: false, shown: null, asked: 0 };
const LISTED = { issue: "the issue", test: "the issue, as a test", known: "confirm (known already)", erased: "goodbye (erased)" };

function made(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, label]) => made("option", label, { value })));
}

function group(label, pairs) {
  const found = made("optgroup", undefined, { label });
  found.append(...pairs.map(([value, text]) => made("option", text, { value })));
  return found;
}

async function asked(path, body) {
  const posted = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  const answer = await fetch(path, posted);
  const told = await answer.json().catch(() => ({ error: `the preview answered ${answer.status}` }));
  if (!answer.ok) throw new Error([told.error || told.response || "that did not work", told.hint].filter(Boolean).join(": "));
  return told;
}

async function begin() {
  const there = await asked("choices");
  by("site").textContent = there.site;
  options(by("mail"), there.mails.map((name) => [name, LISTED[name] || name]));
  options(by("day"), there.days.map((day, number) => [day, number ? day : `${day} (today)`]));
  const eyes = by("eyes");
  eyes.replaceChildren(made("option", "somebody made up…", { value: "form" }));
  if (there.file) eyes.append(made("option", there.file, { value: "file" }));
  if (there.readers.length) eyes.append(group("Subscribers", there.readers.map((one) => [`reader:${one}`, one])));
  eyes.append(group("Sample profiles", there.samples.map((one) => [`sample:${one}`, one])));
  options(by("theme"), there.themes.map((name) => [name, name]));
  by("theme").value = there.theme;
  options(by("language"), [["", "their own"], ...there.languages.map((tag) => [tag, tag])]);
  by("slugs").replaceChildren(...there.topics.map((one) => made("option", one.title, { value: one.slug })));
  by("address").value = there.operator;
  const first = new URLSearchParams(location.search);
  const whom = there.readers.length ? `reader:${there.readers[0]}` : `sample:${there.samples[0]}`;
  eyes.value = first.get("eyes") || (there.file ? "file" : whom);
  if (first.get("day")) by("day").value = first.get("day");
  select("html");
  // Nobody tells of what changed before the line is open, or while it was down: the first mail waits for it, too.
  const events = new EventSource("events");
  events.addEventListener("open", show);
  events.addEventListener("changed", show);
}

async function show() {
  const form = new FormData(by("asked"));
  const wanted = { ...Object.fromEntries(form), papers: Number(form.get("papers")) || 10 };
  by("form").hidden = wanted.eyes !== "form";
  by("day").disabled = !["issue", "test"].includes(wanted.mail);
  const turn = ++state.asked;
  document.body.dataset.busy = "yes";
  try {
    const shown = await asked("show", wanted);
    if (turn !== state.asked) return;  // something else was asked for in the meantime
    state.shown = shown;
    by("trouble").hidden = true;
    describe(shown);
    fill();
    const checks = await asked(`check/${shown.number}`);
    if (turn === state.asked) judge(checks);
  } catch (error) {
    if (turn !== state.asked) return;
    by("trouble").textContent = error.message;
    by("trouble").hidden = false;
  } finally {
    if (turn === state.asked) delete document.body.dataset.busy;
  }
}

function describe(shown) {
  document.title = `${shown.subject} · Preview`;
  by("subject").textContent = shown.subject;
  by("preheader").textContent = shown.preheader;
  by("from").textContent = shown.from;
  by("to").textContent = shown.to;
  by("size").textContent = `${(shown.bytes / 1000).toFixed(1)} KB`;
  by("took").textContent = `Made in ${Math.round(1000 * shown.seconds)} ms.`;
  by("full-said").textContent = "";
}

function judge(checks) {
  const count = (level) => checks.filter((one) => one.level === level).length;
  const [failed, warned] = [count("failed"), count("warning")];
  const verdict = by("verdict");
  verdict.textContent = failed ? `${failed} failed` : warned ? `${warned} to look at` : "all well";
  verdict.className = `verdict ${failed ? "failed" : warned ? "warning" : "ok"}`;
  by("checks").replaceChildren(...checks.map((one) => {
    const line = made("li");
    line.append(made("span", `${one.check}: ${one.level}`, { class: `level ${one.level}` }), ` ${one.what}`);
    if (one.where) line.append(made("span", `${one.where}. ${one.cure}`, { class: "cure" }));
    return line;
  }));
}

function select(tab) {
  state.tab = tab;
  for (const button of by("tabs").children) {
    button.setAttribute("aria-selected", String(button.dataset.tab === tab));
    button.tabIndex = button.dataset.tab === tab ? 0 : -1;
  }
  by("panel").setAttribute("aria-labelledby", `tab-${tab}`);
  by("switches").hidden = tab !== "html";
  fill();
}

const PANELS = {
  html(shown) {
    const old = by("panel").querySelector("iframe");
    const address = `mail/${shown.number}?scheme=${state.scheme}&pictures=${state.pictures}`;
    const frame = made("iframe", undefined, { title: `The mail: ${shown.subject}`, src: address });
    const top = old?.contentWindow?.scrollY || 0;
    frame.addEventListener("load", () => {
      frame.style.height = `${frame.contentDocument.documentElement.scrollHeight + 4}px`;
      frame.contentWindow.scrollTo(0, top);
      frame.dataset.loaded = String(shown.number);
    });
    return frame;
  },
  text: (shown) => scrolled("Text", shown.text),
  source: (shown) => scrolled("Source", shown.source),
  headers: (shown) => table(["Header", "Value"], shown.headers.map(([name, value]) => [made("th", name), made("td", value)])),
  why(shown) {
    if (!shown.picked) return made("p", "This mail is no issue: nothing was picked for it.");
    const { picks, considered } = shown.picked;
    const rows = picks.map((pick) => [
      made("td", String(pick.rank), { class: "number" }),
      titled(pick),
      made("td", pick.section === "for_you" ? "card" : "in brief", { class: "short" }),
      made("td", pick.reasons.map((one) => `${one.kind.replace("_", " ")}${one.matched ? ` “${one.matched}”` : ""}`).join("; ")),
      made("td", pick.score.toFixed(3), { class: "number" }),
    ]);
    const found = table(["Rank", "Paper", "As", "Because of", "Score"], rows);
    found.prepend(made("caption", `${picks.length} of ${considered} papers`));
    return found;
  },
};

function scrolled(label, text) {
  return made("pre", text, { tabindex: "0", role: "region", "aria-label": label });
}

function titled(pick) {
  const cell = made("td");
  cell.append(made("strong", pick.title), made("div", pick.id, { class: "quiet" }));
  return cell;
}

function table(heads, rows) {
  const found = made("table");
  const head = found.createTHead().insertRow();
  head.append(...heads.map((name) => made("th", name, { scope: "col" })));
  const body = found.createTBody();
  for (const cells of rows) body.insertRow().append(...cells);
  return found;
}

function fill() {
  if (!state.shown) return;
  const panel = by("panel");
  panel.className = `panel ${state.width}`;
  panel.replaceChildren(PANELS[state.tab](state.shown));
}

let waiting;
by("asked").addEventListener("input", (event) => {
  clearTimeout(waiting);
  waiting = setTimeout(show, event.target.tagName === "SELECT" ? 0 : 150);
});
by("asked").addEventListener("submit", (event) => event.preventDefault());

by("tabs").addEventListener("click", (event) => event.target.dataset.tab && select(event.target.dataset.tab));
by("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...by("tabs").children];
  const next = tabs[(tabs.findIndex((one) => one.dataset.tab === state.tab) + step + tabs.length) % tabs.length];
  select(next.dataset.tab);
  next.focus();
});

by("switches").addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "pictures") {
    state.pictures = !state.pictures;
    button.setAttribute("aria-pressed", String(state.pictures));
  } else {
    Object.assign(state, button.dataset);
    for (const one of button.parentElement.children) one.setAttribute("aria-pressed", String(one === button));
  }
  fill();
});

by("full").addEventListener("click", async () => {
  by("full-said").textContent = "Looking…";
  try {
    judge(await asked(`check/${state.shown.number}`, {}));
    by("full-said").textContent = "Links were asked, and the spam filter, where there is one.";
  } catch (error) {
    by("full-said").textContent = error.message;
  }
});

by("test").addEventListener("submit", async (event) => {
  event.preventDefault();
  by("test-said").textContent = "Sending…";
  try {
    const said = await asked(`test/${state.shown.number}`, { to: by("address").value });
    by("test-said").textContent = `Sent. ${said.response}`;
  } catch (error) {
    by("test-said").textContent = error.message;
  }
});

begin().catch((error) => {
  by("trouble").textContent = error.message;
  by("trouble").hidden = false;
});
