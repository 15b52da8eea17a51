"use strict";
// The page draws what the run's process says, and sends back what its operator decides; it knows nothing of its own.
const SIGNS = { connecting: "…", connected: "○", rehearsing: "…", rehearsed: "○", armed: "◆", running: "▶", suspended: "❚❚", latched: "✖", closed: "■" };
const HEADS = { start: "May this run begin?", command: "The next command, before anything of it is sent", direction: "What do you see?", axis: "An axis to turn by hand", "re-arm": "Arm the guard again?" };
const BLIND_MS = 6000, CONFIRM_MS = 15000, SETTLE_MS = 400, RETRY_MS = 1000;
const STREAMS = 3;  // of one browser: it opens six connections to a server, and a stop must find one that is free

const own = (name, make) => { let kept = sessionStorage.getItem(name); if (!kept) { kept = make(); sessionStorage.setItem(name, kept); } return kept; };
const page = own("beamgym-page", () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join(""));
if (location.hash.length > 1) {
  sessionStorage.setItem("beamgym-token", decodeURIComponent(location.hash.slice(1)));
  history.replaceState(null, "", "/");  // off the screen, and out of what is copied
}
addEventListener("hashchange", () => location.reload());  // another link in this window: a browser only changes what stands behind the #
const token = () => sessionStorage.getItem("beamgym-token") || "";
let now = null, heard = 0, offset = 0, stepped = "", failures = [], over = false;
const drawn = { frame: 0, pictured: 0, question: "", turn: "", legend: "" }, parts = {};

async function act(path, body = {}) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Beamgym-Token": token(), "X-Beamgym-Page": page }, body: JSON.stringify({ operator: $("name").value, ...body }) });
    if (answer.ok) return true;
    failures.unshift((await answer.json()).refused || `refused (${answer.status})`);
  } catch { failures.unshift(`${path.slice(1)}: the run's process does not answer; stop it from its terminal, by Ctrl-C there`); }
  failures = failures.slice(0, 8);
  refusals();
  return false;
}

const mine = () => Boolean(now && now.holder && now.holder.mine && token());

function header() {
  const run = now.run, body = document.body, state = now.state, ended = now.ended, episode = now.episode;
  body.classList.toggle("simulation", run.simulation && now.live);
  body.classList.toggle("hardware", !run.simulation && now.live);
  body.classList.toggle("replay", !now.live);
  body.classList.toggle("unverified", Boolean(now.broken));
  text("kind", now.live ? (run.simulation ? "SIMULATION" : "HARDWARE") : `REPLAY of a ${run.simulation ? "simulation" : "run on hardware"}`);
  text("title", [run.instrument, run.policy, run.run].filter(Boolean).join(" · "));
  document.title = `${now.questions.length ? "? " : ""}${state.state.toUpperCase()} – ${run.instrument}`;
  $("state").className = state.state;
  text("sign", SIGNS[state.state] || "");
  text("word", state.state.toUpperCase());
  text("why", [
    now.questions.length && "a question waits for its answer",
    now.turn && "a person's turn",
    now.paused_by && `paused by ${now.paused_by}: the next command waits`,
    state.item && `item ${state.item}`,
    state.reason,
    ended && `ended${ended.problem ? `: ${ended.problem}` : ""}`,
    episode && `episode: ${episode.ending}, by what can be seen ${episode.success ? "a" : "no"} success`,
  ].filter(Boolean).join(" · "));
  show("alarm", now.alarm);
  if (now.alarm) text("alarm", `ALARM${now.alarm.item ? ` (item ${now.alarm.item})` : ""}: ${now.alarm.line}${now.alarm.devices.length ? ` NOT SEEN TO STOP: ${now.alarm.devices.join(", ")}` : ""}`);
  text("stopped", now.stopped_by ? `stopped by ${now.stopped_by}` : "");
  show("broken", now.broken);
  if (now.broken) text("broken", now.broken);
}

function commandRows(command) {
  const cells = (tag, words, kind) => { const row = make("tr", "", kind); row.append(...words.map((each) => make(tag, each))); return row; };
  const rows = command.moves.map((move) => cells("td", [
    move.name,
    number(move.stands_at),
    move.stays ? "stays" : number(move.goes_to),
    move.stays ? "" : signed(move.by),
    move.limits ? `${short(move.limits[0])} … ${short(move.limits[1])}` : "none",
    move.unit,
  ], move.stays ? "stays" : ""));
  return rows.length ? [cells("th", ["axis", "stands at", "goes to", "by", "limits", ""]), ...rows] : [];
}

function commandFacts(command) {
  return [
    !command.exposes && `nearest forbidden box: ${command.nearest_box || "the file has none"}`,
    command.exposure_s === null ? "no exposure follows" : `${command.exposes ? "" : "then "}an exposure of ${short(command.exposure_s)} s`,
    `dose: ${short(command.dose_spent_s)} s spent, ${command.dose_left_s === null ? "no budget is set" : `${short(command.dose_left_s)} s left`}`,
    command.frame_age_s === null ? "no frame was taken before it" : `decided on a frame ${short(command.frame_age_s)} s old when asked`,
  ].filter(Boolean);
}

function question() {
  const asked = now.questions[0], held = mine(), key = asked ? `${asked.number}${asked.sha256}${held}${stepped}` : "";
  show("ask", asked);
  if (key === drawn.question) return;
  drawn.question = key;
  if (!asked) return;
  const command = asked.command;
  text("askhead", HEADS[asked.about] || asked.about);
  text("asktext", command ? asked.text.split("\n")[0] : asked.text);
  text("hash", `${command ? "command" : "question"} ${asked.sha256.slice(0, 12)}`);
  $("command").replaceChildren(...(command ? commandRows(command) : []));
  $("facts").replaceChildren(...(command ? commandFacts(command) : []).map((fact) => make("li", fact)));
  $("answers").replaceChildren(...answers(asked, held));
}

function answers(asked, held) {
  const give = (answer) => async () => { stepped = ""; await act("/answer", { number: asked.number, sha256: asked.sha256, answer }); };
  if (!held) return [make("span", "this page only looks; who holds the run answers", "quiet")];
  if (asked.about === "axis" || asked.about === "re-arm") {
    const field = document.createElement("input"), send = button("Send", () => give(field.value)(), "yes");
    field.setAttribute("aria-label", asked.text);
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") send.click(); });
    return [field, send];
  }
  if (stepped !== asked.number) {
    const first = () => { stepped = asked.number; draw(); setTimeout(() => { if (stepped === asked.number) { stepped = ""; draw(); } }, CONFIRM_MS); };
    return [button("Approve…", first), button("Refuse", give("no"))];
  }
  const yes = button(`Yes: ${asked.about === "command" ? "send command" : "answer"} ${asked.sha256.slice(0, 12)}`, give("yes"), "yes");
  yes.disabled = true;  // the second click of a double click decides nothing
  setTimeout(() => { yes.disabled = false; yes.focus(); }, SETTLE_MS);
  return [yes, button("Back", () => { stepped = ""; draw(); }), button("Refuse", give("no"))];
}

function turnFields() {
  if (!drawn.turn || !now.turn) return [];
  return now.turn.fields.map((axis) => ({ axis, value: $("turnform").elements[axis.name].valueAsNumber }));
}

function turn() {
  const asked = now.turn, mayAct = asked && mine() && !now.ended, key = mayAct ? String(asked.number) : "";
  show("turn", mayAct);
  if (key !== drawn.turn) {
    drawn.turn = key;
    if (key) turnForm(asked);
  }
  const turned = now.sight && now.sight.turn, advice = $("advice");
  if (key && advice) {
    advice.disabled = !turned || !Object.keys(turned).length;
    advice.title = advice.disabled ? "no frame has told yet how the sample stands" : "";
  }
}

function turnForm(asked) {
  const form = $("turnform"), fields = asked.fields.map((axis) => {
    const label = make("label", ""), field = document.createElement("input");
    field.type = "number"; field.step = "any"; field.name = axis.name; field.value = String(Number(axis.usual.toPrecision(6))); field.min = axis.low; field.max = axis.high;
    field.addEventListener("input", ahead);
    label.append(make("span", `${axis.name} ${axis.to ? "to" : "by"}`), field, make("span", `${axis.unit}, ${short(axis.low)} … ${short(axis.high)}`, "quiet"));
    return label;
  });
  const propose = make("button", "Propose this move", "yes"), row = make("div", "", "row");
  propose.type = "submit";
  const advice = button("Fill in the turn to the goal", () => {
    for (const axis of asked.fields) {
      const by = now.sight.turn[axis.name];
      if (!axis.to && !none(by)) form.elements[axis.name].value = String(Number(Math.max(axis.low, Math.min(axis.high, by)).toFixed(4)));
    }
    ahead();
  });
  advice.id = "advice";
  row.append(propose, ...(asked.fields.some((axis) => axis.unit === "deg") ? [advice] : []), button("I am done: declare", () => act("/turn", { number: asked.number, declares: true })));
  form.replaceChildren(...fields, row);
  form.onsubmit = (event) => { event.preventDefault(); act("/turn", { number: asked.number, given: Object.fromEntries(turnFields().map(({ axis, value }) => [axis.name, value])) }); };
}

function facts() {
  text("goal", now.goal);
  const known = { ...(now.estimate ? now.estimate.values : {}), ...(now.sight ? now.sight.values : {}) }, rows = Object.entries(known);
  $("estimate").replaceChildren(...pairs(rows.length ? rows.map((pair) => named(...pair)) : [["estimate", "none yet"]]));
  const turned = now.sight ? Object.entries(now.sight.turn) : [];
  text("sight", now.sight ? `The last frame by itself: ${now.sight.line}.${turned.length ? ` To the goal: ${turned.map(([name, by]) => `${name} ${signed(by, 2)}`).join(", ")}.` : ""}` : "");
}

function signs() {
  const rows = [["dose spent", `${short(now.dose.spent_s)} s`], ["dose budget", now.dose.budget_s === null ? "none is set" : `${short(now.dose.budget_s)} s`]];
  if (now.signs) {
    for (const [name, missed, allowed] of now.signs.heartbeats) rows.push([`heartbeat ${name}`, missed ? `${missed} missed of ${allowed}` : "beats", missed > 0]);
    for (const [name, value, low, high] of now.signs.suspenders) {
      const bounds = [low === null ? "" : `≥ ${short(low)}`, high === null ? "" : `≤ ${short(high)}`].filter(Boolean).join(", ");
      rows.push([name, `${short(value)} (${bounds})`, (low !== null && value < low) || (high !== null && value > high)]);
    }
    if (now.signs.lapse_s !== null) rows.push(["policy silent for", `${short(now.signs.silent_s)} of ${short(now.signs.lapse_s)} s`]);
  }
  $("signs").replaceChildren(...pairs(rows));
}

function refusals() {
  const guard = now ? now.refusals.map((each) => `${each.verb} ${each.device}${each.value === null ? "" : ` to ${short(each.value)}`}: ${each.line}${each.item ? ` (item ${each.item})` : ""}`).reverse() : [];
  const lines = [...failures.map((line) => `page: ${line}`), ...guard];
  $("refusals").replaceChildren(...(lines.length ? lines.map((line) => make("li", line, "bad")) : [make("li", "nothing", "quiet")]));
}

function holder() {
  show("who", now.live);
  if (!now.live) return;
  const held = now.holder;
  const others = held ? `${held.operator[0].toUpperCase()}${held.operator.slice(1)} holds the run` : "No page holds the run";
  text("holder", !token() ? `This page only looks: it has no token. ${others}.` : mine() ? `This page holds the run, as ${held.operator}.` : held ? `${others} on another page; this one only looks.` : `${others}.`);
  text("take", held && !mine() ? `Take it over from ${held.operator}` : "Take it");
  show("take", token() && !mine());
  show("namelabel", token());
  show("release", mine());
  show("pause", mine());
  text("pause", now.paused_by ? "Go on" : "Pause before the next command");
}

function ages() {
  const silent = heard ? Date.now() - heard : 0;
  show("blind", now && now.live && (over || silent > BLIND_MS));
  $("blind").classList.toggle("over", over || Boolean(now && now.ended));
  if (over || silent > BLIND_MS) text("blind", over || now.ended ? "The run has ended, and its process with it; this is what it showed last." : `THIS PAGE IS BLIND: nothing was heard from the run's process for ${Math.round(silent / 1000)} s. What it shows is old. The run needs no page and may go on; stop it from its terminal.`);
  const frame = now && now.frame;
  if (!frame) return text("frameage", "no frame yet");
  const taken = none(frame.taken_s) ? frame.came_s : frame.taken_s, old = (Date.now() + offset) / 1000 - taken;
  text("frameage", `frame ${frame.counter}, step ${frame.step}, exposed for ${short(frame.exposure_s)} s, ${now.live ? `${Math.max(0, old).toFixed(1)} s old` : `taken ${new Date(1000 * taken).toISOString()}`}`);
}

// A part is made anew only where what it shows is another: a browser lays out and paints what is touched.
function anew(name, shows, make) { const key = JSON.stringify(shows); if (parts[name] !== key) { parts[name] = key; make(); } }
function draw() {
  if (!now) return;
  header(); question(); turn(); picture(); holder(); ahead();
  anew("marks", [now.sight, now.frame && now.frame.number], marks);
  anew("axes", now.axes, axes);
  anew("facts", [now.goal, now.estimate, now.sight], facts);
  anew("signs", [now.dose, now.signs], signs);
  anew("log", now.log, () => $("log").replaceChildren(...now.log.map((line) => make("li", `${line.number} ${line.kind} ${line.what} ${line.sha256.slice(0, 12)}`))));
  anew("notes", now.notes, () => $("notes").replaceChildren(...now.notes.map((note) => make("li", note.text))));
  anew("refusals", now.refusals, refusals);
  anew("map", now.path, map);
  ages();
}

function take(shown) {
  now = shown;
  heard = Date.now();
  if (shown.now_s) offset = 1000 * shown.now_s - Date.now();
  draw();
}

// A stream while this page has one of the browser's few; ends when the server has closed it.
const stream = () => new Promise((ended) => {
  const source = new EventSource(`/events?page=${page}`);
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.addEventListener("pulse", () => { heard = Date.now(); });
  source.addEventListener("over", () => { over = true; source.close(); ended(); ages(); });
  source.onerror = () => { if (source.readyState === EventSource.CLOSED) ended(); };
});

async function listen() {
  for (let place = 0; place < STREAMS; place++) {
    const had = await navigator.locks.request(`beamgym stream ${place}`, { ifAvailable: true }, async (lock) => { if (lock) await stream(); return Boolean(lock); });
    if (had) break;
  }
  if (over) return;  // the run's process is at its end, and has said so
  // without a stream: one look a second
  try { take(await (await fetch(`/state?page=${page}`)).json()); } catch { /* blind, as the page will say */ }
  setTimeout(listen, RETRY_MS);
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
  $("name").addEventListener("change", () => { sessionStorage.setItem("beamgym-name", $("name").value); if (mine()) act("/take"); });
  $("stop").addEventListener("click", () => act("/stop"));
  $("take").addEventListener("click", () => act("/take", { over: Boolean(now.holder) }));
  $("release").addEventListener("click", () => act("/release"));
  $("pause").addEventListener("click", () => act(now.paused_by ? "/go-on" : "/pause"));
  $("line").addEventListener("input", () => replay($("line").value));
  setInterval(ages, 1000);
  const first = await (await fetch(`/state?page=${page}`)).json();
  if (!first.live) return replay(first.line);
  take(first);
  if (location.search === "?still") return;  // for a picture of it: nothing more comes
  listen();
  if (token() && !first.holder) act("/take");
}
begin();
