"use strict";
// The page draws what the run's process says, and sends back what its operator decides; it knows nothing of its own.
const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";
const SIGNS = { connecting: "…", connected: "○", rehearsing: "…", rehearsed: "○", armed: "◆", running: "▶", suspended: "❚❚", latched: "✖", closed: "■" };
const BLIND_MS = 6000, CONFIRM_MS = 15000, SETTLE_MS = 400, RETRY_MS = 1000;

const own = (name, make) => { let kept = sessionStorage.getItem(name); if (!kept) { kept = make(); sessionStorage.setItem(name, kept); } return kept; };
const page = own("beamgym-page", () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join(""));
if (location.hash.length > 1) {
  sessionStorage.setItem("beamgym-token", decodeURIComponent(location.hash.slice(1)));
  history.replaceState(null, "", "/");  // off the screen, and out of what is copied
}
const token = () => sessionStorage.getItem("beamgym-token") || "";
let now = null, heard = 0, offset = 0, stepped = "", failures = [], drawn = { frame: 0, question: "", turn: "" }, parts = {};

const text = (id, words) => { if ($(id).textContent !== words) $(id).textContent = words; };
const show = (id, on) => $(id).toggleAttribute("hidden", !on);  // drawings have no property of that name
const make = (tag, words, kind) => { const each = document.createElement(tag); each.textContent = words; if (kind) each.className = kind; return each; };
const shape = (tag, places) => { const each = document.createElementNS(SVG, tag); for (const [name, value] of Object.entries(places)) each.setAttribute(name, value); return each; };
const number = (x, digits = 4) => x === null || x === undefined ? "?" : Number(x).toFixed(digits).replace("-", "−");
const short = (x) => x === null || x === undefined ? "?" : typeof x === "number" ? String(Number(x.toPrecision(4))).replaceAll("-", "−") : String(x);

async function act(path, body = {}) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Beamgym-Token": token(), "X-Beamgym-Page": page }, body: JSON.stringify({ operator: $("name").value, ...body }) });
    if (answer.ok) return true;
    failures.unshift((await answer.json()).refused || `refused (${answer.status})`);
  } catch { failures.unshift(`${path.slice(1)}: the run's process does not answer; stop it from its terminal, or by Ctrl-C there`); }
  failures = failures.slice(0, 8);
  refusals();
  return false;
}

function button(words, does, kind) { const each = make("button", words, kind); each.type = "button"; each.addEventListener("click", does); return each; }

function header() {
  const run = now.run, body = document.body;
  body.classList.toggle("simulation", run.simulation && now.live);
  body.classList.toggle("hardware", !run.simulation && now.live);
  body.classList.toggle("replay", !now.live);
  text("kind", now.live ? (run.simulation ? "SIMULATION" : "HARDWARE") : `REPLAY of a ${run.simulation ? "simulation" : "run on hardware"}`);
  text("title", [run.instrument, run.policy, run.run].filter(Boolean).join(" · "));
  document.title = `${now.questions.length ? "? " : ""}${now.state.state.toUpperCase()} – ${run.instrument}`;
  const state = now.state, ended = now.ended;
  $("state").className = state.state;
  text("sign", SIGNS[state.state] || "");
  text("word", state.state.toUpperCase());
  text("why", [now.questions.length && "a question waits for its answer", now.paused_by && `paused by ${now.paused_by}: the next command waits`, state.item ? `item ${state.item}` : "", state.reason, ended && `ended${ended.problem ? `: ${ended.problem}` : ""}`, now.episode && `episode: ${now.episode.ending}, by what can be seen ${now.episode.success ? "a" : "no"} success`].filter(Boolean).join(" · "));
  show("alarm", now.alarm);
  if (now.alarm) text("alarm", `ALARM${now.alarm.item ? ` (item ${now.alarm.item})` : ""}: ${now.alarm.line}${now.alarm.devices.length ? ` NOT SEEN TO STOP: ${now.alarm.devices.join(", ")}` : ""}`);
  text("stopped", now.stopped_by ? `stopped by ${now.stopped_by}` : "");
  document.body.classList.toggle("unverified", Boolean(now.broken));
  show("broken", now.broken);
  if (now.broken) text("broken", now.broken);
}

function question() {
  const asked = now.questions[0], held = mine(), key = asked ? `${asked.number}${asked.sha256}${held}${stepped}` : "";
  show("ask", asked);
  if (key === drawn.question) return;
  drawn.question = key;
  if (!asked) return;
  const command = asked.command, decides = asked.about === "start" || asked.about === "command" || asked.about === "direction";
  text("askhead", { start: "May this run begin?", command: "The next command, before anything of it is sent", direction: "What do you see?", axis: "An axis to turn by hand", "re-arm": "Arm the guard again?" }[asked.about]);
  text("asktext", command ? asked.text.split("\n")[0] : asked.text);
  text("hash", `${command ? "command" : "question"} ${asked.sha256.slice(0, 12)}`);
  const rows = command ? command.moves.map((move) => {
    const row = make("tr", "", move.stays ? "stays" : "");
    for (const cell of [move.name, number(move.stands_at), move.stays ? "stays" : number(move.goes_to), move.stays ? "" : `${move.by > 0 ? "+" : ""}${number(move.by)}`, move.limits ? `${short(move.limits[0])} … ${short(move.limits[1])}` : "none", move.unit]) row.append(make("td", cell));
    return row;
  }) : [];
  const head = make("tr", "");
  if (rows.length) for (const cell of ["axis", "stands at", "goes to", "by", "limits", ""]) head.append(make("th", cell));
  $("command").replaceChildren(head, ...rows);
  $("facts").replaceChildren(...(command ? [
    `nearest forbidden box: ${command.nearest_box || "the file has none"}`,
    command.exposure_s === null ? "no exposure follows" : `then an exposure of ${short(command.exposure_s)} s`,
    `dose: ${short(command.dose_spent_s)} s spent, ${command.dose_left_s === null ? "no budget is set" : `${short(command.dose_left_s)} s left`}`,
    command.frame_age_s === null ? "no frame was taken before it" : `decided on a frame ${short(command.frame_age_s)} s old when asked`,
  ] : []).map((fact) => make("li", fact)));
  const give = (answer) => async () => { stepped = ""; await act("/answer", { number: asked.number, sha256: asked.sha256, answer }); };
  if (!held) return $("answers").replaceChildren(make("span", "this page only looks; who holds the run answers", "quiet"));
  if (!decides) {
    const field = document.createElement("input"), send = button("Send", () => give(field.value)(), "yes");
    field.setAttribute("aria-label", asked.text); field.addEventListener("keydown", (event) => { if (event.key === "Enter") send.click(); });
    return $("answers").replaceChildren(field, send);
  }
  if (stepped !== asked.number) {
    $("answers").replaceChildren(button("Approve…", () => { stepped = asked.number; draw(); setTimeout(() => { if (stepped === asked.number) { stepped = ""; draw(); } }, CONFIRM_MS); }), button("Refuse", give("no")));
  } else {
    const yes = button(`Yes: ${asked.about === "command" ? "send command" : "answer"} ${asked.sha256.slice(0, 12)}`, give("yes"), "yes");
    yes.disabled = true;  // the second click of a double click decides nothing
    setTimeout(() => { yes.disabled = false; yes.focus(); }, SETTLE_MS);
    $("answers").replaceChildren(yes, button("Back", () => { stepped = ""; draw(); }), button("Refuse", give("no")));
  }
}

const glassMs = [];  // milliseconds from each frame's event to its picture, for measurements
function picture() {
  const frame = now.frame;
  // an older picture above a newer frame's words would be a lie
  if (!frame || !frame.shape) { show("glass", false); drawn.frame = 0; return; }
  if (frame.number !== drawn.frame) {
    drawn.frame = frame.number;
    const next = new Image();
    next.src = `/frame/${frame.number}.jpg`;
    // decoded before it is shown: no moment without a picture, and marks that belong to it
    next.decode().then(() => {
      if (drawn.frame !== frame.number) return;
      next.id = "frame";
      next.alt = `frame ${frame.counter}`;
      $("frame").replaceWith(next);
      marks(frame);
      requestAnimationFrame(() => requestAnimationFrame(() => { glassMs.push(Date.now() - 1000 * frame.came_s); }));
    }, () => { if (drawn.frame === frame.number) show("glass", false); });
  }
}

function marks(frame) {
  show("glass", true);
  const [rows, columns] = frame.shape, size = Math.max(rows, columns);
  $("spots").setAttribute("viewBox", `-0.5 -0.5 ${columns} ${rows}`);
  $("spots").setAttribute("preserveAspectRatio", "none");
  $("spots").replaceChildren(...(frame.spots_px || []).map(([x, y]) => shape("circle", { cx: x, cy: y, r: size / 90 })));
}

function axes() {
  $("axes").replaceChildren(...now.axes.map((axis) => {
    const all = make("div", "", "axis"), words = make("div", "", "numbers");
    words.append(make("b", axis.name), make("span", `RBV ${number(axis.readback)} ${axis.unit}`), make("span", `VAL ${number(axis.target)}`), make("span", axis.low === null ? "no limits in the file" : `limits ${short(axis.low)} … ${short(axis.high)}`, "quiet"));
    if (axis.moves) words.append(make("b", "► moves"));
    const bar = shape("svg", { viewBox: "0 0 1000 26", preserveAspectRatio: "none", role: "img", "aria-label": `${axis.name} within its limits` });
    if (axis.low !== null && axis.high > axis.low) {
      const at = (x) => Math.max(0, Math.min(1000, 1000 * (x - axis.low) / (axis.high - axis.low)));
      bar.append(shape("rect", { class: "track", x: 0, y: 8, width: 1000, height: 10 }));
      for (const box of axis.forbidden) {
        bar.append(shape("rect", { class: "forbidden", x: at(box.low - box.margin), y: 5, width: Math.max(2, at(box.high + box.margin) - at(box.low - box.margin)), height: 16 }));
        words.append(make("span", `⊘ ${box.name}: ${short(box.low)} … ${short(box.high)}${box.others.length ? ` (with ${box.others.join(", ")})` : ""}`, "bad"));
      }
      if (axis.swept) bar.append(shape("rect", { class: "swept", x: at(Math.min(...axis.swept)), y: 10, width: Math.max(2, Math.abs(at(axis.swept[1]) - at(axis.swept[0]))), height: 6 }));
      if (axis.target !== null && axis.target !== undefined) bar.append(shape("path", { class: "target", d: `M${at(axis.target)} 1v24` }));
      if (axis.readback !== null) bar.append(shape("rect", { class: "rbv", x: at(axis.readback) - 4, y: 4, width: 8, height: 18 }));
    }
    all.append(words, bar);
    return all;
  }));
}

const pairs = (rows) => rows.flatMap(([name, value, bad]) => [make("dt", name), make("dd", value, bad ? "bad" : "")]);
const UNITS = [["_deg", " °"], ["_mm", " mm"], ["_s", " s"], ["_px", " px"]];
function named(name, value) {
  const unit = UNITS.find(([end]) => name.endsWith(end)), stem = unit ? name.slice(0, -unit[0].length) : name;
  return [stem.replaceAll("_", " "), value === null ? "cannot say" : short(value) + (unit ? unit[1] : "")];
}

function facts() {
  text("goal", now.goal);
  const estimate = now.estimate ? Object.entries(now.estimate.values).map(([name, value]) => named(name, value)) : [["estimate", "none yet"]];
  $("estimate").replaceChildren(...pairs(estimate));
  const rows = [["dose spent", `${short(now.dose.spent_s)} s`], ["dose budget", now.dose.budget_s === null ? "none is set" : `${short(now.dose.budget_s)} s`]];
  if (now.signs) {
    for (const [name, missed, allowed] of now.signs.heartbeats) rows.push([`heartbeat ${name}`, missed ? `${missed} missed of ${allowed}` : "beats", missed > 0]);
    for (const [name, value, low, high] of now.signs.suspenders) rows.push([`${name}`, `${short(value)} (${[low === null ? "" : `≥ ${short(low)}`, high === null ? "" : `≤ ${short(high)}`].filter(Boolean).join(", ")})`, (low !== null && value < low) || (high !== null && value > high)]);
    if (now.signs.lapse_s !== null) rows.push(["policy silent for", `${short(now.signs.silent_s)} of ${short(now.signs.lapse_s)} s`]);
  }
  $("signs").replaceChildren(...pairs(rows));
}

function refusals() {
  const guard = now ? now.refusals.map((each) => `${each.verb} ${each.device}${each.value === null ? "" : ` to ${short(each.value)}`}: ${each.line}${each.item ? ` (item ${each.item})` : ""}`).reverse() : [];
  $("refusals").replaceChildren(...[...failures.map((line) => `page: ${line}`), ...guard].map((line) => make("li", line, "bad")));
  if (!failures.length && !guard.length) $("refusals").replaceChildren(make("li", "nothing", "quiet"));
}

const mine = () => Boolean(now && now.holder && now.holder.page === page && token());
function holder() {
  show("who", now.live);
  if (!now.live) return;
  const held = now.holder;
  text("holder", !token() ? `This page only looks: it has no token. ${held ? `${held.operator} holds the run.` : "No page holds the run."}` : mine() ? `This page holds the run, as ${held.operator}.` : held ? `${held.operator} holds this run on another page; this one only looks.` : "No page holds the run.");
  text("take", held && !mine() ? `Take it over from ${held.operator}` : "Take it");
  $("take").disabled = !token() || mine();
  $("release").disabled = $("pause").disabled = !mine();
  text("pause", now.paused_by ? "Go on" : "Pause before the next command");
}

function map() {
  const two = now.path.length > 0 && now.axes.length > 1 && now.axes[0].unit === "mm" && now.axes[1].unit === "mm";
  show("map", two);
  if (!two) return;
  const [x, y] = now.axes, size = 300, at = (value, axis) => size * (value - axis.low) / (axis.high - axis.low);
  if (x.low === null || y.low === null) return;
  $("map").setAttribute("viewBox", `-5 -5 ${size + 10} ${size + 10}`);
  const places = now.path.map((each) => `${at(each[0], x)},${size - at(each[1], y)}`), last = places[places.length - 1].split(",");
  $("map").replaceChildren(shape("rect", { class: "track", x: 0, y: 0, width: size, height: size }), shape("polyline", { class: "target", points: places.join(" ") }), shape("circle", { class: "rbv", cx: last[0], cy: last[1], r: 5 }));
}

function ages() {
  const silent = heard ? Date.now() - heard : 0;
  show("blind", now && now.live && silent > BLIND_MS);
  if (silent > BLIND_MS) text("blind", now.ended ? "The run has ended, and its process with it; this is what it showed last." : `THIS PAGE IS BLIND: nothing was heard from the run's process for ${Math.round(silent / 1000)} s. What it shows is old. The run needs no page and may go on; stop it from its terminal.`);
  const frame = now && now.frame;
  if (!frame) return text("frameage", "no frame yet");
  const age = frame.taken_s === null ? frame.came_s : frame.taken_s, old = (Date.now() + offset) / 1000 - age;
  text("frameage", `frame ${frame.counter}, step ${frame.step}, exposed for ${short(frame.exposure_s)} s, ${frame.spots_px ? `${frame.spots_px.length} spots found (circles), ` : ""}${now.live ? `${Math.max(0, old).toFixed(1)} s old` : `taken ${new Date(1000 * age).toISOString()}`}`);
}

// A part is made anew only where what it shows is another: a browser lays out and paints what is touched.
function anew(name, shows, make) { const key = JSON.stringify(shows); if (parts[name] !== key) { parts[name] = key; make(); } }
function draw() {
  if (!now) return;
  header(); question(); turn(); picture(); holder();
  anew("axes", now.axes, axes);
  anew("facts", [now.goal, now.estimate, now.dose, now.signs], facts);
  anew("log", now.log, () => $("log").replaceChildren(...now.log.map((line) => make("li", `${line.number} ${line.kind} ${line.what} ${line.sha256.slice(0, 12)}`))));
  anew("notes", now.notes, () => $("notes").replaceChildren(...now.notes.map((note) => make("li", note.text))));
  anew("refusals", now.refusals, refusals);
  anew("map", now.path, map);
  ages();
}

function turn() {
  const asked = now.turn;
  const mayAct = asked && mine() && !now.ended;
  show("turn", mayAct);
  const key = mayAct ? String(asked.number) : "";
  if (key === drawn.turn) return;
  drawn.turn = key;
  if (!key) return;
  const fields = asked.fields.map((axis) => {
    const label = make("label", `${axis.name} ${axis.to ? "to" : "by"} (${axis.unit}) `), field = document.createElement("input");
    field.type = "number"; field.step = "any"; field.name = axis.name; field.value = String(Number(axis.usual.toPrecision(6))); field.min = axis.low; field.max = axis.high;
    label.append(field);
    return label;
  });
  const propose = make("button", "Propose this move"); propose.type = "submit";
  const done = button("I am done: declare", () => act("/turn", { number: asked.number, declares: true }));
  $("turnform").replaceChildren(...fields, propose, done);
  $("turnform").onsubmit = (event) => { event.preventDefault(); act("/turn", { number: asked.number, given: Object.fromEntries(fields.map((label) => [label.lastChild.name, Number(label.lastChild.value)])) }); };
}

function take(shown) { now = shown; heard = Date.now(); if (shown.now_s) offset = 1000 * shown.now_s - Date.now(); draw(); }

function listen() {
  const stream = new EventSource(`/events?page=${page}`);
  stream.onmessage = (event) => take(JSON.parse(event.data));
  stream.addEventListener("pulse", () => { heard = Date.now(); });
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_MS); };
}

async function replay(line) {
  const answer = await fetch(`/state?line=${line}`);
  if (!answer.ok) return;
  take(await answer.json());
  show("replay", now.lines > 0);
  $("line").max = now.lines; $("line").value = now.line; text("lineno", `${now.line} of ${now.lines}`);
}

async function begin() {
  $("name").value = sessionStorage.getItem("beamgym-name") || "";
  $("name").addEventListener("change", () => sessionStorage.setItem("beamgym-name", $("name").value));
  $("stop").addEventListener("click", () => act("/stop"));
  $("take").addEventListener("click", () => act("/take", { over: Boolean(now.holder) }));
  $("release").addEventListener("click", () => act("/release"));
  $("pause").addEventListener("click", () => act(now.paused_by ? "/go-on" : "/pause"));
  $("line").addEventListener("input", () => replay($("line").value));
  setInterval(ages, 1000);
  const first = await (await fetch("/state")).json();
  if (!first.live) return replay(first.line);
  listen();
  if (token() && !first.holder) act("/take");
}
begin();
